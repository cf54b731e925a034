"""Calendars and their events: list, create, write, delete, read."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
from itsdangerous import BadSignature
from starlette.requests import Request
from starlette.responses import Response

from slotlink.domain.event import midnight
from slotlink.errors import FieldError, InvalidRequest, NotFound
from slotlink.services.accounts import create_calendar
from slotlink.services.events import delete_all_events, delete_event, write_event
from slotlink.store import calendars as stored_calendars
from slotlink.store import event_listing
from slotlink.store.calendars import get_calendar
from slotlink.store.event_listing import EventRow, Listing
from slotlink.web import render
from slotlink.web.account_request import CalendarRequest
from slotlink.web.auth import AccountCaller, account_caller
from slotlink.web.body import check, pairs_to_members, read_object
from slotlink.web.event_request import BulkDeletion, EventDeletion, EventRequest, EventsQuery
from slotlink.web.idempotency import once
from slotlink.web.state import WebState, state_of

PAGE_SIZE = 300
DEFAULT_DAYS_BACK = 42
DEFAULT_DAYS_AHEAD = 201
DAY_S = 86400


class Paging(msgspec.Struct, array_like=True):
    """What the address of a further page holds, signed: the listing itself, and where the page begins."""

    kind: str
    listing: Listing
    after: tuple[int, str, str, int]
    page: int
    total: int
    localized_tzid: str | None
    include_geo: bool
    include_ids: bool


async def list_calendars(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    async with web.deps.database.reading() as connection:
        found = await stored_calendars.list_calendars(connection, caller.application_id, [caller.sub])
    return render.json_response({"sub": caller.sub, "calendars": [render.calendar(value) for value in found]})


async def create(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)

    async def make() -> Response:
        wanted = check(CalendarRequest, members, web.context)
        made = await create_calendar(
            web.deps, caller.application_id, caller.sub, wanted.profile_id, wanted.name, wanted.color, web.now()
        )
        whole = render.calendar(made)
        shown = ("provider_name", "profile_id", "profile_name", "calendar_id", "calendar_name", "calendar_readonly")
        return render.json_response({"calendar": {name: whole[name] for name in (*shown, "calendar_deleted")}})

    return await once(request, caller, members, make)


async def upsert_event(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)
    calendar_id = request.path_params["calendar_id"]

    async def write() -> Response:
        async with web.deps.database.reading() as connection:
            calendar = await get_calendar(connection, caller.application_id, caller.sub, calendar_id)
        wanted = check(EventRequest, members, web.context)
        time = wanted.time(calendar.tzid)
        details = {name: value for name, value in wanted.details().items() if name != "event_id"}
        if wanted.stated_tzid is not None:
            details["tzid"] = wanted.stated_tzid
        await write_event(
            web.deps, caller.application_id, caller.sub, calendar_id, wanted.event_id, details, time, web.now()
        )
        return Response(status_code=202)

    return await once(request, caller, members, write)


async def remove_event(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    wanted = check(EventDeletion, await read_object(request, web.context.limits.body_bytes), web.context)
    assert wanted.event_id is not None
    await delete_event(
        web.deps,
        caller.application_id,
        caller.sub,
        request.path_params["calendar_id"],
        wanted.event_id,
        web.now(),
    )
    return Response(status_code=202)


async def remove_events(request: Request) -> Response:
    """Delete the application's own events. The Python client puts the members into the query string."""
    web = state_of(request)
    caller = await account_caller(request)
    members = pairs_to_members(request.query_params.multi_items())
    members |= await read_object(request, web.context.limits.body_bytes)
    wanted = check(BulkDeletion, members, web.context)
    await delete_all_events(web.deps, caller.application_id, caller.sub, wanted.calendar_ids, web.now())
    return Response(status_code=202)


async def list_events(request: Request) -> Response:
    return await _first_page(request, "events")


async def list_free_busy(request: Request) -> Response:
    return await _first_page(request, "free_busy")


async def events_page(request: Request) -> Response:
    return await _further_page(request, "events")


async def free_busy_page(request: Request) -> Response:
    return await _further_page(request, "free_busy")


async def _first_page(request: Request, kind: str) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    wanted = check(EventsQuery, pairs_to_members(request.query_params.multi_items()), web.context)
    async with web.deps.database.reading() as connection:
        found = await stored_calendars.list_calendars(connection, caller.application_id, [caller.sub])
    known = {calendar.calendar_id for calendar in found}
    unknown = {
        f"calendar_ids[{i}]": [FieldError("errors.invalid_calendar_ids", "not a calendar of this account")]
        for i, calendar_id in enumerate(wanted.calendar_ids or ())
        if calendar_id not in known
    }
    if unknown:
        raise InvalidRequest(unknown)
    listing = _listing(caller, wanted, kind, web.now())
    paging = Paging(
        kind,
        listing,
        (-(2**62), "", "", 0),
        1,
        0,
        wanted.tzid if wanted.localized_times else None,
        wanted.include_geo,
        wanted.include_ids,
    )
    async with web.deps.database.reading() as connection:
        paging.total = await event_listing.count(connection, caller.application_id, listing)
    return await _page(web, caller, paging)


async def _further_page(request: Request, kind: str) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    try:
        paging = msgspec.json.decode(web.page_signer.loads(request.path_params["page"]), type=Paging)
    except (BadSignature, msgspec.DecodeError, ValueError) as error:
        raise NotFound("no such page") from error
    if paging.listing.sub != caller.sub or paging.kind != kind:
        raise NotFound("no such page")
    return await _page(web, caller, paging)


async def _page(web: WebState, caller: AccountCaller, paging: Paging) -> Response:
    async with web.deps.database.reading() as connection:
        rows = await event_listing.read_page(
            connection, caller.application_id, paging.listing, paging.after, PAGE_SIZE + 1
        )
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    total = max(1, -(-paging.total // PAGE_SIZE))
    pages: dict[str, Any] = {"current": paging.page, "total": max(total, paging.page + more)}
    if more:
        following = msgspec.structs.replace(paging, after=rows[-1].key, page=paging.page + 1)
        signed = web.page_signer.dumps(msgspec.json.encode(following).decode())
        pages["next_page"] = f"{web.deps.settings.api_url}/v1/{paging.kind}/pages/{signed}"
    return render.json_response({"pages": pages, paging.kind: [_listed(paging, row) for row in rows]})


def _listed(paging: Paging, row: EventRow) -> render.Json:
    if paging.kind == "events":
        return render.event(row, localized_tzid=paging.localized_tzid, include_geo=paging.include_geo)
    return render.busy_period(
        row,
        localized_tzid=paging.localized_tzid,
        include_ids=paging.include_ids,
        include_deleted=paging.listing.include_deleted,
    )


def _listing(caller: AccountCaller, wanted: EventsQuery, kind: str, now: int) -> Listing:
    start = _instant(wanted.from_, wanted.tzid)
    end = _instant(wanted.to, wanted.tzid)
    defaulted = start is None and end is None
    if not wanted.only_managed:
        start = now - DEFAULT_DAYS_BACK * DAY_S if start is None else start
        end = now + DEFAULT_DAYS_AHEAD * DAY_S if end is None else end
    return Listing(
        sub=caller.sub,
        calendar_ids=None if wanted.calendar_ids is None else tuple(wanted.calendar_ids),
        start=start,
        end=end,
        managed_outside_window=defaulted,
        include_managed=wanted.include_managed,
        only_managed=wanted.only_managed,
        include_deleted=wanted.include_deleted,
        include_free=kind == "events" or wanted.include_free,
        modified_since=wanted.last_modified,
    )


def _instant(value: datetime.date | int | None, tzid: str) -> int | None:
    return midnight(value, tzid) if isinstance(value, datetime.date) else value
