"""Fixtures that every suite shares."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.center import Center
from tests.postgresql import Cluster, find_postgres

# No test is timed: machines are noisy.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# By itself structlog draws every variable of every frame of a fault, which takes seconds.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture
def center(tmp_path: Path) -> Generator[Center]:
    """A data center in this process, on SQLite, at a moment that the test controls."""
    with Center(tmp_path) as center:
        yield center


@pytest.fixture(scope="session")
def cluster() -> Generator[Cluster]:
    """A real PostgreSQL, started for this run and stopped with it."""
    binaries = find_postgres()
    # Not in pytest's own folder: the next pytest to start closes that one to the account postgres.
    prefix = "slotlink-postgresql-"
    options = ("fsync=off",)  # processes are killed here, and machines are not
    with tempfile.TemporaryDirectory(prefix=prefix) as folder, Cluster(binaries, Path(folder), options) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'slotlink.db'}"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture(params=["sqlite", "postgresql"])
def on_engine(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of a data center on each engine in turn; its database is of the current schema."""
    if request.param == "sqlite":
        return {}
    cluster: Cluster = request.getfixturevalue("cluster")
    return {"SLOTLINK_DATABASE_URL": cluster.migrated_database()}
