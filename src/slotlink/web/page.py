"""The hosted page: show, choose, confirm, "none of these suit me". HTTP in, HTML out; decisions are made elsewhere.

GET and HEAD change nothing, save that GET may tell the application that a visitor saw no times at all.
"""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog
from itsdangerous import BadSignature
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from slotlink.domain.event import fill_in, wire_time
from slotlink.domain.link import Link, LinkStatus
from slotlink.errors import (
    CalendarsUnreadable,
    LinkNotOpen,
    MalformedRequest,
    NotFound,
    RequestTooLarge,
    SlotNotOffered,
    SlotTaken,
    StoreUnavailable,
)
from slotlink.ical import write_event
from slotlink.services.booking import Offer, book_slot, find_offer, still_offered
from slotlink.services.links import tell_no_times
from slotlink.store import accounts, applications, bookings, links
from slotlink.web.body import form_members, read_body
from slotlink.web.pages import Choice, Invitation, Notice
from slotlink.web.state import WebState, state_of
from slotlink.web.wire import parse_date, parse_time, zone_names

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

NOTE_LENGTH = 500
FORM_BYTES = 16 * 1024
NEAREST = 3
DEFAULT_LOCALE = "en-GB"

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # not no-referrer: that would turn the form's own Origin into null
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for one link's page, with what the visitor chose to see."""

    web: WebState
    link: Link
    invitation: Invitation
    choice: Choice
    now: int

    @property
    def form_token(self) -> str:
        signed = self.web.form_signer.dumps([self.link.application_id, self.link.link_id])
        return signed.decode() if isinstance(signed, bytes) else signed


async def show(request: Request) -> Response:
    web = state_of(request)
    visit = await _visit(request, web, dict(request.query_params))
    if visit is None:
        return unknown(request)
    return await _show_status(visit, tells=request.method == "GET")


async def choose(request: Request) -> Response:
    """A posted form: a slot, its confirmation, or "none of these suit me"."""
    web = state_of(request)
    try:
        form: dict[str, Any] = form_members(await read_body(request, FORM_BYTES))
    except (MalformedRequest, RequestTooLarge) as error:
        log.info("page.form_refused", reason=str(error))
        return _page(web.pages.problem(_locale(request, {}), status=400, reference=""), 400)
    visit = await _visit(request, web, form)
    if visit is None:
        return unknown(request)
    if not _comes_from_us(request, web) or not _token_fits(visit, form.get("form_token")):
        return _page(web.pages.problem(visit.choice.locale, status=403, reference=""), 403)
    status = visit.link.status(visit.now)
    if status is not LinkStatus.OPEN:
        return await _refuse_closed(visit, status)
    if form.get("action") == "none_suitable":
        return await _none_suitable(visit, form)
    return await _choose_slot(visit, form)


async def download(request: Request) -> Response:
    """The booked event as an .ics file, for the visitor's own calendar."""
    web = state_of(request)
    visit = await _visit(request, web, dict(request.query_params))
    booking = None
    if visit is not None:
        async with web.deps.database.reading() as connection:
            booking = await bookings.find(connection, visit.link.application_id, visit.link.link_id)
    if visit is None or booking is None:
        return unknown(request)
    start, end = _booked_times(visit.link, booking)
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
    headers = PAGE_HEADERS | {"Content-Disposition": 'attachment; filename="meeting.ics"'}
    return Response(text, headers=headers, media_type="text/calendar; charset=utf-8")


async def _visit(request: Request, web: WebState, asked: dict[str, Any]) -> Visit | None:
    """The link behind the address, and what is shown of it; None when there is no such link."""
    try:
        async with web.deps.database.reading() as connection:
            link = await links.get_for_visitor(connection, web.deps.vault, request.path_params["token"])
            application = await applications.get(connection, link.application_id)
            names: tuple[str, ...] = ()
            if application.shows_participants:
                people = await accounts.find(connection, link.application_id, link.terms.query.subs)
                found = [people[sub].display_name for sub in link.terms.query.subs if sub in people]
                names = tuple(name for name in found if name)
    except NotFound:
        return None
    event = fill_in(link.event)
    private = bool(event.get("event_private"))
    location: dict[str, str] = event.get("location") or {}
    invitation = Invitation(
        application_name=application.name,
        summary=event["summary"],
        description=None if private else event.get("description") or None,
        place=None if private else location.get("description") or None,
        people=() if private else names,
        duration_s=link.terms.query.required_duration,
        path=f"{web.base_path}/rts/{link.token}",
    )
    return Visit(web, link, invitation, _choice(request, link, asked), web.now())


def _choice(request: Request, link: Link, asked: dict[str, Any]) -> Choice:
    """What a visitor wants to see. Whatever cannot be read is as if it were not there."""
    tzid = asked.get("tzid")
    hours = {"12": 12, "24": 24}.get(str(asked.get("hours")), {"h": 12, "H": 24}.get(link.terms.hour_format or ""))
    return Choice(
        tzid=tzid if isinstance(tzid, str) and tzid in zone_names() else link.terms.tzid,
        hours=hours,  # type: ignore[arg-type]
        date=_date(asked.get("date")),
        month=_month(asked.get("month")),
        locale=_locale(request, asked),
        organiser_tzid=link.terms.tzid,
        keep_locale="locale" in asked,
    )


def _date(text: Any) -> datetime.date | None:
    try:
        return parse_date(text)
    except PydanticCustomError:
        return None


def _month(text: Any) -> tuple[int, int] | None:
    first = _date(f"{text}-01") if isinstance(text, str) and len(text) == len("2027-03") else None
    return None if first is None else (first.year, first.month)


def _locale(request: Request, asked: dict[str, Any]) -> str:
    """English only, so far: `en-GB` unless the visitor says otherwise."""
    locale = asked.get("locale")
    if isinstance(locale, str) and locale:
        return locale[:16]
    accepted = request.headers.get("accept-language", "").partition(",")[0].partition(";")[0].strip()
    return accepted[:16] if accepted.lower().startswith("en-") else DEFAULT_LOCALE


async def _show_status(visit: Visit, *, tells: bool = False, notice: Notice | None = None, code: int = 200) -> Response:
    match visit.link.status(visit.now):
        case LinkStatus.COMPLETED:
            return await _completed(visit, notice, code)
        case LinkStatus.DISABLED:
            message = visit.link.display_message or ""
            return _of(
                visit, visit.web.pages.disabled(visit.invitation, visit.choice, message=message, notice=notice), code
            )
        case LinkStatus.EXPIRED:
            last = visit.link.terms.query.latest_end
            return _of(visit, visit.web.pages.expired(visit.invitation, visit.choice, last=last, notice=notice), code)
        case LinkStatus.OPEN:
            return await _picker(visit, tells=tells, notice=notice, code=code)


async def _picker(visit: Visit, *, tells: bool, notice: Notice | None, code: int) -> Response:
    offer = await find_offer(visit.web.deps, visit.link, visit.now)
    if not offer.starts:
        return await _no_times(visit, offer, tells=tells, notice=notice, code=code)
    near_to = notice.slot if notice is not None and notice.reason == "taken" else None
    html = visit.web.pages.picker(
        visit.invitation,
        visit.choice,
        offer.starts,
        now=visit.now,
        form_token=visit.form_token,
        books_at_once=visit.link.terms.selection_mode == "no_confirm",
        offers_none_suitable=visit.link.terms.callback_urls.no_times_suitable_url is not None,
        partial=not offer.everything_read,
        notice=notice,
        nearest=_nearest(offer.starts, near_to),
    )
    return _of(visit, html, code)


async def _no_times(visit: Visit, offer: Offer, *, tells: bool, notice: Notice | None, code: int) -> Response:
    urls = visit.link.terms.callback_urls
    if tells and offer.everything_read:
        await tell_no_times(
            visit.web.deps, visit.link, "no_times_displayed", visitor_tzid=visit.choice.tzid, now=visit.now
        )
    html = visit.web.pages.no_times(
        visit.invitation,
        visit.choice,
        now=visit.now,
        first=visit.link.terms.query.first_start,
        last=visit.link.terms.query.latest_end,
        form_token=visit.form_token,
        offers_none_suitable=urls.no_times_suitable_url is not None,
        told=urls.no_times_displayed_url is not None and offer.everything_read,
        unreadable=not offer.everything_read,
        notice=notice,
    )
    return _of(visit, html, code)


def _nearest(starts: Sequence[int], slot: int | None) -> list[int]:
    if slot is None:
        return []
    return sorted(sorted(starts, key=lambda start: (abs(start - slot), start))[:NEAREST])


async def _choose_slot(visit: Visit, form: dict[str, Any]) -> Response:
    deps, link = visit.web.deps, visit.link
    try:
        start = parse_time(form.get("slot"))
    except PydanticCustomError:
        return await _show_status(visit, notice=Notice("invalid", None), code=422)
    try:
        if link.terms.selection_mode == "confirm" and form.get("confirmed") != "yes":
            await still_offered(deps, link, start, now=visit.now)
            html = visit.web.pages.confirm(visit.invitation, visit.choice, start, form_token=visit.form_token)
            return _of(visit, html, 200)
        await book_slot(deps, link, start, visitor_tzid=visit.choice.tzid, now=visit.now)
    except SlotNotOffered:
        return await _show_status(visit, notice=Notice("invalid", start), code=422)
    except SlotTaken:
        return await _show_status(visit, notice=Notice("taken", start), code=409)
    except CalendarsUnreadable:
        return await _show_status(visit, notice=Notice("unreadable", start), code=409)
    except LinkNotOpen as error:
        return await _refuse_closed(visit, LinkStatus(error.status))
    return RedirectResponse(_onward(visit), status_code=303, headers=_headers(visit))


async def _none_suitable(visit: Visit, form: dict[str, Any]) -> Response:
    pages, link = visit.web.pages, visit.link
    if link.terms.callback_urls.no_times_suitable_url is None:
        return await _show_status(visit, notice=Notice("invalid", None), code=422)
    note = str(form.get("note", "")).replace("\r\n", "\n").strip()
    if len(note) > NOTE_LENGTH or "\x00" in note:
        html = pages.none_suitable(
            visit.invitation,
            visit.choice,
            form_token=visit.form_token,
            note=note.replace("\x00", ""),
            too_long_by=max(0, len(note) - NOTE_LENGTH),
        )
        return _of(visit, html, 422)
    await tell_no_times(
        visit.web.deps, link, "no_times_suitable", visitor_tzid=visit.choice.tzid, note=note, now=visit.now
    )
    return _of(visit, pages.told(visit.invitation, visit.choice, note=note), 200)


async def _refuse_closed(visit: Visit, status: LinkStatus) -> Response:
    """The link was closed before the form arrived: show how it stands, and say that nothing was booked now."""
    async with visit.web.deps.database.reading() as connection:
        link = await links.get(connection, visit.web.deps.vault, visit.link.application_id, visit.link.link_id)
    reason = "not_open" if status is LinkStatus.COMPLETED else status.value
    current = Visit(visit.web, link, visit.invitation, visit.choice, visit.now)
    return await _show_status(current, notice=Notice(reason, None), code=409)  # type: ignore[arg-type]


async def _completed(visit: Visit, notice: Notice | None, code: int) -> Response:
    async with visit.web.deps.database.reading() as connection:
        booking = await bookings.find(connection, visit.link.application_id, visit.link.link_id)
    assert booking is not None, "a completed link has a booking: both are written in one transaction"
    start, end = _booked_times(visit.link, booking)
    dates = f"{_compact(start)}/{_compact(end)}"
    google = {"action": "TEMPLATE", "text": visit.invitation.summary, "dates": dates}
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": visit.invitation.summary,
        "startdt": wire_time(start),
        "enddt": wire_time(end),
    }
    if visit.invitation.place:
        google["location"] = outlook["location"] = visit.invitation.place
    html = visit.web.pages.completed(
        visit.invitation,
        visit.choice,
        start=start,
        end=end,
        ics_path=f"{visit.invitation.path}/event.ics",
        google_url="https://calendar.google.com/calendar/render?" + urlencode(google),
        outlook_url="https://outlook.live.com/calendar/0/deeplink/compose?" + urlencode(outlook),
        notice=notice,
    )
    return _of(visit, html, code)


def _booked_times(link: Link, booking: bookings.BookingRow) -> tuple[int, int]:
    """When the meeting is now: the application may have moved its event since the visitor chose."""
    try:
        return parse_time(link.event["start"]["time"]), parse_time(link.event["end"]["time"])
    except (KeyError, TypeError, PydanticCustomError):
        return booking.start, booking.end


def _compact(instant: int) -> str:
    return wire_time(instant).replace("-", "").replace(":", "")


def _onward(visit: Visit) -> str:
    """Where the visitor goes after booking: the application's page with the token added, or the link's own."""
    terms = visit.link.terms
    target = terms.completed_url or terms.redirect_uri
    own = {f"{visit.web.deps.settings.app_url}{path}{visit.link.token}" for path in OWN_PATHS}
    if target.partition("?")[0].partition("#")[0] in own:
        return f"{visit.invitation.path}?{urlencode({'tzid': visit.choice.tzid})}"
    added = {"token": visit.link.token}
    if terms.completed_url is None and terms.oauth_state is not None:
        added["state"] = terms.oauth_state
    parts = urlsplit(target)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in added]
    return urlunsplit(parts._replace(query=urlencode([*query, *added.items()])))


OWN_PATHS = ("/rts/", "/add_to_calendar/scheduling/", "/real_time_scheduling/")


def _token_fits(visit: Visit, token: Any) -> bool:
    try:
        return visit.web.form_signer.loads(str(token)) == [visit.link.application_id, visit.link.link_id]
    except BadSignature:
        return False


def _comes_from_us(request: Request, web: WebState) -> bool:
    """No other site may post our forms: Sec-Fetch-Site where the browser sends it, else Origin, else neither is a
    browser's request and the form token decides."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None:
        return True
    ours = urlsplit(web.deps.settings.app_url)
    return origin in (f"{ours.scheme}://{ours.netloc}", f"{request.url.scheme}://{request.headers.get('host')}")


def unknown(request: Request) -> Response:
    web = state_of(request)
    return _page(web.pages.unknown(_locale(request, dict(request.query_params))), 404)


def _of(visit: Visit, html: str, code: int) -> Response:
    return HTMLResponse(html, code, _headers(visit))


def _page(html: str, code: int) -> Response:
    return HTMLResponse(html, code, PAGE_HEADERS | {"Content-Security-Policy": _policy(())})


def _headers(visit: Visit) -> dict[str, str]:
    """Chromium applies form-action to the redirect after a POST too, so the policy names that one origin as well."""
    target = urlsplit(visit.link.terms.completed_url or visit.link.terms.redirect_uri)
    return PAGE_HEADERS | {"Content-Security-Policy": _policy((f"{target.scheme}://{target.netloc}",))}


def _policy(form_targets: Sequence[str]) -> str:
    forms = " ".join(("'self'", *form_targets))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {forms}"
    )


async def answer_fault(request: Request, error: Exception) -> Response:
    """What a visitor sees when something breaks on our side."""
    web = state_of(request)
    reference = secrets.token_hex(2)
    status = 503 if isinstance(error, StoreUnavailable) else 500
    log.error("page.broke", reference=reference, status=status, exc_info=error)
    return _page(web.pages.problem(_locale(request, {}), status=status, reference=reference), status)
