"""A real Chromium on a real socket, with a clock that stands still."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.chromium import find_chromium, running
from playwright.sync_api import Browser, Page

from slotlink import app as composition
from tests.center import Center, skippable


@contextmanager
def chromium() -> Generator[Browser]:
    path = find_chromium()
    if path is None:
        if skippable("Chromium"):
            pytest.skip("SKIPPED LOUDLY: Chromium is not installed (ALLOW_SKIP=1)")
        pytest.fail("Chromium is not installed; run make test as root, or install the package chromium")
    with running(path) as browser:
        yield browser


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Ends with its module: Playwright keeps a loop running in this thread, in which no other test could start one."""
    with chromium() as browser:
        yield browser


class ServedCenter(Center):
    """A center that listens as well, on the address that its links name."""

    def __init__(self, folder: Path) -> None:
        self._listener = composition.bind("127.0.0.1", 0)
        address = composition.address_of(self._listener)
        super().__init__(folder, SLOTLINK_API_URL=address, SLOTLINK_APP_URL=address)
        ready = threading.Event()
        self._server = composition.make_server(self.settings, background=False, on_ready=ready.set, clock=self.clock)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[self._listener])), daemon=True
        )
        self._thread.start()
        assert ready.wait(30), "the server did not start"

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._server.should_exit = True
        self._thread.join(20)


@pytest.fixture
def served(tmp_path: Path) -> Generator[ServedCenter]:
    with ServedCenter(tmp_path) as center:
        yield center


@contextmanager
def london(
    browser: Browser, *, width: int = 1280, height: int = 860, scheme: Any = "light", **more: Any
) -> Generator[Page]:
    """A page of somebody in London, who reads British English."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        locale="en-GB",
        timezone_id="Europe/London",
        **more,
    )
    try:
        yield context.new_page()
    finally:
        context.close()
