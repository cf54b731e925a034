"""Server-sent events (HTML standard, section 9.2) for an open page: the digest of what its link offers.

    retry: …                                  when to come again, once the stream has ended
    event: times    data: DIGEST              as things are now, then whenever it differs from what was said last
    event: closed   data: STATUS              the link is not open any more; the stream ends
    : …                                       a comment now and then, so that nothing between takes it for dead

The digest is that of the page's own `data-times`. A page that hears another one fetches itself again by its own
address, so that every word and every time is made in one place. Whoever gets no stream does that every half minute.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from slotlink.domain.followed import News
from slotlink.domain.link import Link, LinkStatus
from slotlink.errors import NotFound, StoreUnavailable
from slotlink.services.live_offers import Follower, LiveOffers
from slotlink.store import links
from slotlink.web.problems import wait_of_unknown
from slotlink.web.state import state_of
from slotlink.web.streams import Streams

COMMENT_S = 15
COMMENT = b":\n\n"
STREAM_S = 600  # then the browser comes again: what a proxy or a network has lost does not stay lost
RETRY_MS = (1500, 3000)  # drawn for each, so that a restart does not bring all of them at once
POLL_S = 30  # for a page that has no stream
CLOSED_ID = "closed"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx, and whoever does as it does: hand on each event as it comes
}


async def follow(request: Request) -> Response:
    web = state_of(request)
    try:
        async with web.deps.database.reading() as connection:
            link = await links.get_for_visitor(connection, web.deps.vault, request.path_params["token"])
    except NotFound:
        wait = await wait_of_unknown(request)
        return Response(status_code=429, headers={"Retry-After": str(wait)}) if wait else Response(status_code=404)
    except StoreUnavailable:
        return _later()
    status = link.status(web.now())
    if status is LinkStatus.OPEN:
        return EventStream(link, web.live, web.streams)
    if request.headers.get("last-event-id") == CLOSED_ID:
        return Response(status_code=204, headers=HEADERS)  # it was told, and came by itself: this keeps it from coming
    return Response(_written(News("closed", status)), headers=HEADERS, media_type=EventStream.media_type)


class EventStream(Response):
    """Lasts until the link is closed, the client is gone, its time is over, or the server stops."""

    media_type = "text/event-stream"

    def __init__(self, link: Link, live: LiveOffers, streams: Streams) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._link = link
        self._live = live
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        with self._streams.place(client[0] if client else "") as has_place:
            if not has_place:
                await _later()(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                with self._live.following(self._link) as follower:
                    listening = asyncio.create_task(_until_gone(receive, follower.end))
                    try:
                        await _tell(follower, send)
                    finally:
                        listening.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _tell(follower: Follower, send: Send) -> None:
    async def write(text: bytes) -> None:
        await send({"type": "http.response.body", "body": text, "more_body": True})

    now = asyncio.get_running_loop().time
    ends = now() + STREAM_S * (0.9 + random.random() / 10)  # noqa: S311 - jitter
    await write(b"retry: %d\n\n" % random.randint(*RETRY_MS))  # noqa: S311 - jitter
    while not follower.ended and now() < ends:
        news = await follower.next(min(COMMENT_S, ends - now()))
        if news is not None:
            await write(_written(news))
            if news.event == "closed":
                return
        elif not follower.ended:
            await write(COMMENT)


def _written(news: News) -> bytes:
    """A browser that comes again names the last id it was given."""
    named = f"id: {CLOSED_ID}\n" if news.event == "closed" else ""
    return f"{named}event: {news.event}\ndata: {news.data}\n\n".encode()


async def _until_gone(receive: Receive, then: Callable[[], None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    then()


def _later() -> Response:
    return Response(status_code=503, headers={"Retry-After": str(POLL_S)})
