"""Providers' doubles that reach a data center in this process: `Door` is its address, over a real socket."""

from __future__ import annotations

import http.server
import threading
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from slotlink.services.deps import Deps
from slotlink.services.sync import sync_profile
from slotlink.services.watching import keep_watches
from slotlink.store.tables import calendars
from tests.center import Center

API_URL = "https://api.test"  # what the data center says of itself


class Door:
    """Whatever is posted to `url` is posted to the center."""

    def __init__(self, center: Center) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                answer = center.http.post(self.path, content=body, headers=dict(self.headers))
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers.get("content-type", ""))
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def keep(center: Center) -> None:
    """What the worker does once a minute."""

    async def keep_once(deps: Deps) -> bool:
        return await keep_watches(deps, int(center.clock()))

    center.run(keep_once)


def due(center: Center) -> set[str]:
    """The profiles with a calendar that is due to be read."""

    async def read(deps: Deps) -> set[str]:
        async with deps.database.reading() as connection:
            rows = await connection.execute(
                select(calendars.c.profile_id).where(calendars.c.sync_due_at <= int(center.clock()))
            )
            return set(rows.scalars())

    return center.run(read)


def read_due(center: Center) -> int:
    """What the worker does with what is due. How many profiles that was."""
    profile_ids = due(center)

    async def read(deps: Deps) -> None:
        for profile_id in profile_ids:
            await sync_profile(deps, center.client_id, profile_id, int(center.clock()))

    center.run(read)
    return len(profile_ids)


def columns(center: Center, calendar_id: str) -> Any:
    """The row of a calendar."""

    async def read(deps: Deps) -> Any:
        async with deps.database.reading() as connection:
            rows = await connection.execute(calendars.select().where(calendars.c.calendar_id == calendar_id))
            return rows.one()

    return center.run(read)


def path_of(url: str) -> str:
    assert url.startswith(API_URL), url
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
