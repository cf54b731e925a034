"""The fast path of the status call: answered before routing, from one point read.

It answers only the plain success of the two forms; anything else (no key, a wrong one, no such link, odd paths) goes
on to the general path, which says why. Both give the same bytes, and a test holds them together. What it saves is
measured by `make bench`.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Receive, Scope, Send

from slotlink.domain.link import link_status
from slotlink.services.deps import Deps
from slotlink.store.hot import StatusReader, StatusRow
from slotlink.store.links import open_token
from slotlink.vault import digest
from slotlink.web.auth import bearer
from slotlink.web.render import etag, link_body, matches

PATH = "/v1/real_time_scheduling"
PATH_AND_SLASH = PATH + "/"
_JSON = (b"content-type", b"application/json; charset=utf-8")
_CACHING = (b"cache-control", b"private, no-cache")


class HotStatus:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, deps: Deps, reader: StatusReader, clock: Callable[[], float]) -> None:
        self._app = app
        self._vault = deps.vault
        self._page_url = f"{deps.settings.app_url}/rts/"
        self._reader = reader
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PATH) and scope["method"] == "GET":
            credential, if_none_match = _headers(scope)
            row = self._find(scope, credential) if credential is not None else None
            if row is not None:
                await self._answer(row, if_none_match, send)
                return
        await self._app(scope, receive, send)

    def _find(self, scope: Scope, credential: str) -> StatusRow | None:
        path: str = scope["path"]
        if path.startswith(PATH_AND_SLASH):
            return self._reader.by_id(digest(credential), path[len(PATH_AND_SLASH) :])
        if path != PATH:
            return None
        # The last of several wins, as it does on the general path.
        token = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token")
        return self._reader.by_token(digest(credential), digest(token)) if token else None

    async def _answer(self, row: StatusRow, if_none_match: str | None, send: Send) -> None:
        token = open_token(self._vault, row.sealed_token, row.application_id, row.link_id)
        status = link_status(row.state, row.expires_at, int(self._clock()))
        body = link_body(row.link_id, self._page_url + token, row.event.encode(), status)
        tag = etag(body)
        headers = [_CACHING, (b"etag", tag.encode())]
        if matches(if_none_match, tag):
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            return
        headers += [_JSON, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _headers(scope: Scope) -> tuple[str | None, str | None]:
    credential = if_none_match = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            credential = bearer(value.decode("latin-1"))
        elif name == b"if-none-match":
            if_none_match = value.decode("latin-1")
    return credential, if_none_match
