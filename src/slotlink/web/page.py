"""The hosted page: show, choose, confirm, "none of these suit me". HTTP in, HTML out; decisions are made elsewhere.

GET and HEAD change nothing, save that GET may tell the application that a visitor saw no times at all.
"""

from __future__ import annotations

import secrets
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from slotlink.domain.link import LinkStatus
from slotlink.errors import (
    CalendarsUnreadable,
    LinkNotOpen,
    MalformedRequest,
    OutcomeUnknown,
    RequestTooLarge,
    SlotNotOffered,
    SlotTaken,
    StoreUnavailable,
)
from slotlink.ical import write_event
from slotlink.services.booking import book_slot, still_offered
from slotlink.services.links import tell_no_times
from slotlink.store import bookings, links
from slotlink.web.body import form_members, read_body
from slotlink.web.clients import client_of, speaks_for_many
from slotlink.web.invitation import Notice
from slotlink.web.page_status import answer, bare_page, booked_times, headers_of, show_status, too_often, unknown
from slotlink.web.state import state_of
from slotlink.web.visit import Visit, comes_from_us, locale_of, onward, open_visit, token_fits
from slotlink.web.wire import parse_time

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

NOTE_LENGTH = 500
FORM_BYTES = 64 * 1024
_CLOSED: dict[LinkStatus, Literal["not_open", "disabled", "expired"]] = {
    LinkStatus.COMPLETED: "not_open",
    LinkStatus.DISABLED: "disabled",
    LinkStatus.EXPIRED: "expired",
}


async def show(request: Request) -> Response:
    web = state_of(request)
    visit = await open_visit(request, web, dict(request.query_params))
    if visit is None:
        return await unknown(request)
    return await show_status(visit, tells=request.method == "GET")


async def choose(request: Request) -> Response:
    """A posted form: a slot, its confirmation, or "none of these suit me"."""
    web = state_of(request)
    host = request.client.host if request.client else ""
    wait = 0 if speaks_for_many(host) else await web.post_limit.wait_for(client_of(host))
    if wait:
        return too_often(request, wait)
    try:
        form: dict[str, Any] = form_members(await read_body(request, FORM_BYTES))
    except (MalformedRequest, RequestTooLarge) as error:
        log.info("page.form_refused", reason=str(error))
        return bare_page(web.pages.problem(locale_of(request, request.query_params), status=400, reference=""), 400)
    visit = await open_visit(request, web, form)
    if visit is None:
        return await unknown(request)
    if not comes_from_us(request, web) or not token_fits(visit, form.get("form_token")):
        reason = "token" if comes_from_us(request, web) else "site"
        log.info("form.refused", reason=reason, link=visit.link.link_id, client=client_of(host))
        html = web.pages.problem(visit.choice.locale, status=403, reference="")
        return bare_page(html, 403, visit.invitation.brand)
    wait = await web.post_limit.wait_for(visit.link.link_id)
    if wait:
        return too_often(request, wait, visit.invitation.brand)
    status = visit.link.status(visit.now)
    if status is not LinkStatus.OPEN:
        return await _refuse_closed(visit, status)
    if form.get("action") == "none_suitable":
        return await _none_suitable(visit, form)
    return await _choose_slot(visit, form)


async def download(request: Request) -> Response:
    """The booked event as an .ics file, for the visitor's own calendar."""
    web = state_of(request)
    visit = await open_visit(request, web, dict(request.query_params))
    booking = None
    if visit is not None:
        async with web.deps.database.reading() as connection:
            booking = await bookings.find(connection, visit.link.application_id, visit.link.link_id)
    if visit is None or booking is None:
        return await unknown(request)
    start, end = booked_times(visit.link, booking)
    host = urlsplit(web.deps.settings.app_url).hostname or "slotlink"
    text = write_event(
        uid=f"{visit.link.link_id}@{host}",
        start=start,
        end=end,
        tzid=visit.link.terms.tzid,
        summary=visit.invitation.summary,
        description=visit.invitation.description or "",
        location=visit.invitation.place or "",
        stamp=visit.link.created_at,
    )
    headers = {"Content-Disposition": 'attachment; filename="meeting.ics"'}
    return Response(text, headers=headers, media_type="text/calendar; charset=utf-8")


async def _choose_slot(visit: Visit, form: dict[str, Any]) -> Response:
    deps, link = visit.web.deps, visit.link
    try:
        start = parse_time(form.get("slot"))
    except PydanticCustomError:
        return await show_status(visit, notice=Notice("invalid", None), code=422)
    try:
        if link.terms.selection_mode == "confirm" and form.get("confirmed") != "yes":
            await still_offered(deps, link, start, now=visit.now)
            html = visit.web.pages.confirm(visit.invitation, visit.choice, start, form_token=visit.form_token)
            return answer(visit, html, 200)
        await book_slot(deps, link, start, visitor_tzid=visit.choice.tzid, now=visit.now)
    except SlotNotOffered:
        return await show_status(visit, notice=Notice("invalid", start), code=422)
    except SlotTaken:
        return await show_status(visit, notice=Notice("taken", start), code=409)
    except CalendarsUnreadable:
        return await show_status(visit, notice=Notice("unreadable", start), code=409)
    except LinkNotOpen as error:
        return await _refuse_closed(visit, LinkStatus(error.status))
    return RedirectResponse(onward(visit), status_code=303, headers=headers_of(visit))


async def _none_suitable(visit: Visit, form: dict[str, Any]) -> Response:
    pages, link = visit.web.pages, visit.link
    if link.terms.callback_urls.no_times_suitable_url is None:
        return await show_status(visit, notice=Notice("invalid", None), code=422)
    note = str(form.get("note", "")).replace("\r\n", "\n").strip()
    if len(note) > NOTE_LENGTH or "\x00" in note:
        html = pages.none_suitable(
            visit.invitation,
            visit.choice,
            form_token=visit.form_token,
            note=note.replace("\x00", ""),
            too_long_by=max(0, len(note) - NOTE_LENGTH),
        )
        return answer(visit, html, 422)
    await tell_no_times(
        visit.web.deps, link, "no_times_suitable", visitor_tzid=visit.choice.tzid, note=note, now=visit.now
    )
    return answer(visit, pages.told(visit.invitation, visit.choice, note=note), 200)


async def _refuse_closed(visit: Visit, status: LinkStatus) -> Response:
    """The link was closed before the form arrived: show how it stands, and say that nothing was booked now."""
    async with visit.web.deps.database.reading() as connection:
        link = await links.get(connection, visit.web.deps.vault, visit.link.application_id, visit.link.link_id)
    reason = _CLOSED[status]
    current = Visit(visit.web, link, visit.invitation, visit.choice, visit.now)
    return await show_status(current, notice=Notice(reason, None), code=409)


async def answer_fault(request: Request, error: Exception) -> Response:
    """What a visitor sees when something breaks on our side."""
    web = state_of(request)
    reference = secrets.token_hex(4)
    status = 503 if isinstance(error, StoreUnavailable) else 500
    log.error("page.broke", reference=reference, status=status, exc_info=error)
    was_refused = isinstance(error, StoreUnavailable) and not isinstance(error, OutcomeUnknown)
    may_be_booked = request.method == "POST" and not was_refused
    page = web.pages.problem(
        locale_of(request, request.query_params), status=status, reference=reference, may_be_booked=may_be_booked
    )
    return bare_page(page, status)
