"""Whoever booked an event hears of what became of it in its calendar."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.callback import problem_body
from slotlink.errors import NotFound
from slotlink.services import callbacks
from slotlink.services.deps import Deps
from slotlink.store import links
from slotlink.store.mirrors import Mirror


async def tell_link(
    deps: Deps,
    connection: AsyncConnection,
    application_id: str,
    link_id: str,
    mirror: Mirror,
    reason: str,
    now: int,
    *,
    what: Literal["problem", "conflict"] = "problem",
) -> None:
    """A line in the link's history, and a callback to its `problem_url` where it has one."""
    details = {"reason": reason, "calendar_id": mirror.calendar_id, "sub": mirror.sub}
    await links.add_history(connection, application_id, link_id, now, what, details)
    try:
        link = await links.get(connection, deps.vault, application_id, link_id)
    except NotFound:
        return
    url = link.terms.callback_urls.problem_url
    if url is not None:
        body = problem_body(**details, link=callbacks.link_object(deps, link, now), at=now)
        await callbacks.enqueue(deps, connection, link, url, body, now)
