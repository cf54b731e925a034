"""What the fault suites share: commands as processes of their own, and live servers that start quickly."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.commands import Folder
from tests.serving import LiveServer, Receiver, serving


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package", autouse=True)
def compiled_once() -> Generator[None]:
    """The many processes of these suites compile the modules once between them, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONDONTWRITEBYTECODE", "")
        yield


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Folder, LiveServer]]:
    folder = Folder(tmp_path_factory.mktemp("served"))
    with serving(folder.path) as server:
        yield folder, server


@pytest.fixture
def receiver() -> Generator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()
