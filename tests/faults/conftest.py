"""What the fault suites share: commands as processes of their own, and live servers that start quickly."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.faults.commands import Commands


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package", autouse=True)
def compiled_once() -> Generator[None]:
    """The many processes of these suites compile the modules once between them, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONDONTWRITEBYTECODE", "")
        yield


@pytest.fixture(scope="package")
def commands(compiled_once: None) -> Generator[Commands]:
    with Commands() as commands:
        yield commands
