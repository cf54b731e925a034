"""Starlette answers a fault, logs it by our handler, and raises it again: nobody logs it a second time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from slotlink import app as composition
from slotlink.settings import Settings
from tests.faults.raw import Raw, asked

START: dict[str, Any] = {"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]}


@pytest.mark.parametrize("answers", [True, False])
def test_a_fault_that_was_answered_is_not_logged_by_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, answers: bool
) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        if answers:
            await send(START)
            await send({"type": "http.response.body", "body": b""})
        raise RuntimeError("once is enough")

    monkeypatch.setattr(composition, "make_app", lambda *_, **__: application)
    settings = Settings.from_environ({"SLOTLINK_DATA_DIR": str(tmp_path)})
    listener, ready = composition.bind("127.0.0.1", 0), threading.Event()
    server = composition.make_server(settings, background=False, on_ready=ready.set)
    thread = threading.Thread(target=lambda: composition.run_async(server.serve(sockets=[listener])))
    thread.start()
    try:
        assert ready.wait(30)
        with Raw(composition.address_of(listener)) as connection:
            connection.send(asked("GET", "/", "Connection: close"))
            assert connection.answers_until_closed() == [500]
    finally:
        server.should_exit = True
        thread.join(30)
    assert ("once is enough" in caplog.text) is not answers
