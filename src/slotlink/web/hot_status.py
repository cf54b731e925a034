"""The fast path of the status call: answered before routing, from one point read.

It answers only the plain success of the two forms, written the plain way; anything else (no key, a wrong one, no such
link, an odd path, query or header) goes on to the general path, which says why. Both give the same bytes, and
tests/api/test_status_paths.py holds them together. What it saves is measured by `make bench`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotlink.domain.link import link_status
from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.store.hot import HotReader
from slotlink.store.links import open_token
from slotlink.vault import digest
from slotlink.web.answer_headers import ALWAYS
from slotlink.web.rate_limit import RateLimit
from slotlink.web.render import etag, link_body, matches

PATH = "/v1/real_time_scheduling"
PATH_AND_SLASH = PATH + "/"
_PLAIN_TOKEN = re.compile(rb"token=([A-Za-z0-9_-]+)")
_BEARER = b"Bearer "
_JSON = (b"content-type", b"application/json; charset=utf-8")
_ALWAYS = (*ALWAYS, (b"cache-control", b"private, no-cache"))


class HotStatus:
    """ASGI middleware around the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        deps: Deps,
        reader: HotReader,
        clock: Callable[[], float],
        rate_limit: RateLimit | None = None,
    ) -> None:
        self._app = app
        self._rate_limit = rate_limit
        self._vault = deps.vault
        self._page_url = f"{deps.settings.app_url}/rts/"
        self._reader = reader
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PATH) and scope["method"] == "GET":
            body, if_none_match = await self._find(scope)
            if body is not None:
                start, rest = _answer(body, if_none_match)
                await send(start)
                await send(rest)
                return
        await self._app(scope, receive, send)

    async def _find(self, scope: Scope) -> tuple[bytes | None, bytes | None]:
        """The body of the answer, if this is a case for the fast path, and what the client has of it already."""
        secret = if_none_match = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if secret is not None or not value.startswith(_BEARER):
                    return None, None
                secret = value[len(_BEARER) :]
            elif name == b"if-none-match":
                if if_none_match is not None:
                    return None, None
                if_none_match = value
        return (None if secret is None else await self._body(scope, digest(secret.decode("latin-1")))), if_none_match

    async def _body(self, scope: Scope, secret_sha256: bytes) -> bytes | None:
        path: str = scope["path"]
        if path.startswith(PATH_AND_SLASH):
            row = await self._reader.by_id(secret_sha256, path[len(PATH_AND_SLASH) :])
            if row is None:
                return None
            application_id, link_id, sealed_token, state, expires_at, event = row
            token = open_token(self._vault, sealed_token, application_id, link_id)
        else:
            plain = _PLAIN_TOKEN.fullmatch(scope["query_string"])
            if plain is None or path != PATH:
                return None
            # Found by its digest, so this is the link's token: what is sealed in the row need not be opened.
            token = plain[1].decode()
            row = await self._reader.by_token(secret_sha256, digest(token))
            if row is None:
                return None
            application_id, link_id, _, state, expires_at, event = row
        try:
            if self._rate_limit is not None and await self._rate_limit.wait_for(application_id):
                return None
        except StoreUnavailable:
            return None  # the general path asks again, and refuses
        status = link_status(state, expires_at, int(self._clock()))
        return link_body(link_id, self._page_url + token, event.encode(), status)


def _answer(body: bytes, if_none_match: bytes | None) -> tuple[Message, Message]:
    tag = etag(body)
    if if_none_match is not None and matches(if_none_match.decode("latin-1"), tag):
        status, headers, body = 304, (*_ALWAYS, (b"etag", tag.encode())), b""
    else:
        length = b"%d" % len(body)
        status, headers = 200, (*_ALWAYS, (b"etag", tag.encode()), _JSON, (b"content-length", length))
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
