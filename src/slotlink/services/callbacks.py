"""Put callbacks into the outbox, inside the caller's transaction."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.link import Json, Link
from slotlink.services.deps import Deps
from slotlink.store import outbox


def link_url(deps: Deps, token: str) -> str:
    """The canonical page of a link. Built from settings, never from a request's Host."""
    return f"{deps.settings.app_url}/rts/{token}"


def link_object(deps: Deps, link: Link, now: int) -> Json:
    """The link as status answers it; a test keeps the two equal."""
    return {
        "real_time_scheduling_id": link.link_id,
        "url": link_url(deps, link.token),
        "event": link.event,
        "status": str(link.status(now)),
    }


async def enqueue(deps: Deps, connection: AsyncConnection, link: Link, url: str, body: dict[str, Any], now: int) -> str:
    """Promise one callback. Its bytes are fixed here; only the signature is made when it is sent."""
    content = msgspec.json.encode(body)
    return await outbox.add(connection, deps.vault, link.application_id, link.link_id, url, host_of(url), content, now)


def host_of(url: str) -> str:
    """Whose turn it is when this is called: one host's receivers share their places."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
