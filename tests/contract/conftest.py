"""A migrated database of each engine, shared by a whole run: every test works in applications of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from slotlink.store.database import Database, open_database
from slotlink.store.schema import migrate
from tests.contract.store import Store
from tests.postgresql import Cluster


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("store")
        url = f"sqlite:///{folder / 'slotlink.db'}"
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.new_database()

    async def make() -> None:
        database = open_database(url)
        await migrate(database)
        await database.close()

    asyncio.run(make())
    return url


@pytest.fixture(scope="session")
async def migrated(migrated_url: str) -> AsyncGenerator[Database]:
    database = open_database(migrated_url)
    yield database
    await database.close()


@pytest.fixture
async def store(migrated: Database) -> Store:
    """A store with two applications in it, and an empty outbox: the one table that is worked across tenants."""
    return await Store.begin(migrated)
