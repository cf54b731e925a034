"""Create and disable links; tell applications what visitors could not choose."""

from __future__ import annotations

import dataclasses
from typing import Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.callback import no_times_body
from slotlink.domain.event import wants_room
from slotlink.domain.link import Json, Link, LinkStatus, Terms
from slotlink.errors import FieldError, InvalidRequest, LinkNotOpen
from slotlink.services import callbacks
from slotlink.services.availability import NOT_RECOGNIZED, refuse, refuse_overwork, unknown_members, work_path
from slotlink.services.deps import Deps
from slotlink.services.events import NO_ROOMS
from slotlink.store import accounts, links
from slotlink.store.calendars import list_calendars

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

ALREADY_COMPLETED = FieldError(
    "errors.already_completed", "a slot has been chosen already; move or delete the event instead"
)


async def create_link(deps: Deps, application_id: str, event: Json, terms: Terms, now: int) -> Link:
    """Make a link. Raises InvalidRequest for people, calendars and rules that this application cannot use, and for a
    query too large for its page."""
    refuse_overwork(terms.query.work, deps.settings.limit_work, f"availability.{work_path(terms.query)}")
    async with deps.database.transaction() as connection:
        unknown = await unknown_members(connection, application_id, terms.query, "availability.")
        unknown |= await _unusable_targets(connection, application_id, event, terms)
        refuse(unknown)
        # A calendar named twice still gets one event: the first mention counts.
        targets = {target.calendar_id: target for target in reversed(terms.targets)}
        distinct = tuple(target for target in terms.targets if targets[target.calendar_id] is target)
        terms = dataclasses.replace(terms, targets=distinct)
        link = await links.create(connection, deps.vault, application_id, event, terms, now)
    log.info("link.created", link=link.link_id, application=application_id)
    return link


async def _unusable_targets(
    connection: AsyncConnection, application_id: str, event: Json, terms: Terms
) -> dict[str, list[FieldError]]:
    subs = [target.sub for target in terms.targets]
    owners = await accounts.find(connection, application_id, subs)
    calendars = {
        (calendar.sub, calendar.calendar_id): calendar
        for calendar in await list_calendars(connection, application_id, subs)
        if not calendar.deleted
    }
    unusable: dict[str, list[FieldError]] = {}
    for i, target in enumerate(terms.targets):
        owner = owners.get(target.sub)
        calendar = calendars.get((target.sub, target.calendar_id))
        if owner is None or owner.revoked:
            unusable[f"target_calendars[{i}].sub"] = [NOT_RECOGNIZED]
        elif calendar is None:
            unusable[f"target_calendars[{i}].calendar_id"] = [NOT_RECOGNIZED]
        elif calendar.readonly:
            unusable[f"target_calendars[{i}].calendar_id"] = [
                FieldError("errors.not_supported", "this calendar is read-only; choose one that can be written")
            ]
        if wants_room(target.event or {}) and not (calendar and calendar.conferencing):
            unusable[f"target_calendars[{i}].event.conferencing.profile_id"] = [NO_ROOMS]
    targets = [calendars.get((target.sub, target.calendar_id)) for target in terms.targets]
    if wants_room(event) and not any(calendar and calendar.conferencing for calendar in targets):
        unusable["event.conferencing.profile_id"] = [NO_ROOMS]
    return unusable


async def disable_link(deps: Deps, application_id: str, link_id: str, display_message: str, now: int) -> Link:
    """Close a link with a message for whoever opens it. Disabling again replaces the message.

    Raises NotFound; InvalidRequest when a slot was chosen already."""
    async with deps.database.transaction() as connection:
        link = await links.get(connection, deps.vault, application_id, link_id)
        if link.state == LinkStatus.OPEN:
            try:
                await links.close(
                    connection, application_id, link_id, LinkStatus.DISABLED, now, display_message=display_message
                )
            except LinkNotOpen:
                link = await links.get(connection, deps.vault, application_id, link_id)
        if link.state == LinkStatus.COMPLETED:
            raise InvalidRequest({"base": [ALREADY_COMPLETED]})
        if link.state == LinkStatus.DISABLED:
            await links.set_display_message(connection, application_id, link_id, display_message)
        link = await links.get(connection, deps.vault, application_id, link_id)
    log.info("link.disabled", link=link_id, application=application_id)
    return link


async def tell_no_times(
    deps: Deps,
    link: Link,
    kind: Literal["no_times_suitable", "no_times_displayed"],
    *,
    visitor_tzid: str,
    note: str = "",
    now: int,
) -> bool:
    """Tell the application that a visitor saw no times, or none that suit. False when it was just told, or never asks.

    Commits before it returns: what the visitor is told was told."""
    urls = link.terms.callback_urls
    url = urls.no_times_suitable_url if kind == "no_times_suitable" else urls.no_times_displayed_url
    if url is None:
        return False
    async with deps.database.transaction() as connection:
        claimed = await (
            links.claim_no_times_suitable(connection, link.application_id, link.link_id, note, now)
            if kind == "no_times_suitable"
            else links.claim_no_times_displayed(connection, link.application_id, link.link_id, now)
        )
        if not claimed:
            return False
        body = no_times_body(
            kind,
            event=link.event,
            visitor_tzid=visitor_tzid,
            note=note,
            link=callbacks.link_object(deps, link, now),
            at=now,
        )
        details: Json = {"tzid": visitor_tzid} | ({"note": note} if note else {})
        await links.add_history(connection, link.application_id, link.link_id, now, kind, details)
        await callbacks.enqueue(deps, connection, link, url, body, now)
    deps.wake_worker()
    return True
