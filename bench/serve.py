"""The two servers that `slotlink serve` is held against: `python -m bench.serve constant BYTES | general`.

Both come out of `app.make_server`, so that nothing but the application in them differs: same uvicorn, same settings.
"""

from __future__ import annotations

import os
import sys
from typing import Any
from unittest.mock import patch

from starlette.types import ASGIApp, Receive, Scope, Send

from slotlink import app as composition
from slotlink.settings import Settings


def constant(size: int) -> ASGIApp:
    """The raw ASGI constant: a prepared JSON body of `size` bytes, whatever was asked."""
    body = b'{"constant":"%b"}' % (b"x" * (size - 15))
    assert len(body) == size
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"%d" % size)]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    rest = {"type": "http.response.body", "body": body}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send(start)
            await send(rest)
        else:
            await _live(receive, send)

    return answer


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def main(kind: str, *arguments: str) -> None:
    listener = composition.bind("127.0.0.1", 0)
    address = composition.address_of(listener)
    settings = Settings.from_environ(os.environ).at(address)

    def make_app(*_: Any, **__: Any) -> ASGIApp:
        return constant(int(arguments[0]))

    def without_hot_status(app: ASGIApp, *_: Any) -> ASGIApp:
        return app

    replaced = {"constant": ("make_app", make_app), "general": ("HotStatus", without_hot_status)}[kind]
    with patch.object(composition, *replaced):
        server = composition.make_server(
            settings, background=True, on_ready=lambda: print(f"listening on {address}", flush=True)
        )
        composition.run_async(server.serve(sockets=[listener]))


if __name__ == "__main__":
    main(*sys.argv[1:])
