"""The page of a link in each of its states, as HTTP answers with their headers."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from slotlink.domain.event import wire_time
from slotlink.domain.link import Link, LinkStatus
from slotlink.domain.offer import Offer
from slotlink.services.booking import find_offer
from slotlink.services.links import tell_no_times
from slotlink.store import bookings
from slotlink.web.brand_view import BrandView
from slotlink.web.invitation import Notice
from slotlink.web.problems import wait_of_unknown
from slotlink.web.state import state_of
from slotlink.web.visit import Visit, locale_of
from slotlink.web.wire import parse_time

NEAREST = 3


async def show_status(visit: Visit, *, tells: bool = False, notice: Notice | None = None, code: int = 200) -> Response:
    match visit.link.status(visit.now):
        case LinkStatus.COMPLETED:
            return await _completed(visit, notice, code)
        case LinkStatus.DISABLED:
            message = visit.link.display_message or ""
            return answer(
                visit, visit.web.pages.disabled(visit.invitation, visit.choice, message=message, notice=notice), code
            )
        case LinkStatus.EXPIRED:
            last = visit.link.terms.query.latest_end
            return answer(
                visit, visit.web.pages.expired(visit.invitation, visit.choice, last=last, notice=notice), code
            )
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
        digest=offer.digest,
        notice=notice,
        nearest=_nearest(offer.starts, near_to),
    )
    return answer(visit, html, code)


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
        digest=offer.digest,
        notice=notice,
    )
    return answer(visit, html, code)


def _nearest(starts: Sequence[int], slot: int | None) -> list[int]:
    if slot is None:
        return []
    return sorted(sorted(starts, key=lambda start: (abs(start - slot), start))[:NEAREST])


async def _completed(visit: Visit, notice: Notice | None, code: int) -> Response:
    async with visit.web.deps.database.reading() as connection:
        booking = await bookings.find(connection, visit.link.application_id, visit.link.link_id)
    assert booking is not None, "a completed link has a booking: both are written in one transaction"
    start, end = booked_times(visit.link, booking)
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
    return answer(visit, html, code)


def booked_times(link: Link, booking: bookings.BookingRow) -> tuple[int, int]:
    """When the meeting is now: the application may have moved its event since the visitor chose."""
    try:
        return parse_time(link.event["start"]["time"]), parse_time(link.event["end"]["time"])
    except (KeyError, TypeError, PydanticCustomError):
        return booking.start, booking.end


def _compact(instant: int) -> str:
    return wire_time(instant).replace("-", "").replace(":", "")


async def unknown(request: Request) -> Response:
    wait = await wait_of_unknown(request)
    if wait:
        return too_often(request, wait)
    return bare_page(state_of(request).pages.unknown(locale_of(request, request.query_params)), 404)


def too_often(request: Request, wait: int, brand: BrandView | None = None) -> Response:
    html = state_of(request).pages.problem(locale_of(request, request.query_params), status=429, reference="")
    page = bare_page(html, 429, brand)
    page.headers["Retry-After"] = str(wait)
    return page


def answer(visit: Visit, html: str, code: int) -> Response:
    return HTMLResponse(html, code, headers_of(visit))


def bare_page(html: str, code: int, brand: BrandView | None = None) -> Response:
    """A page of nobody's. With `brand` it may be embedded where that application's pages are."""
    return HTMLResponse(html, code, {"Content-Security-Policy": _policy((), brand)})


def headers_of(visit: Visit) -> dict[str, str]:
    """Chromium applies form-action to the redirect after a POST too, so the policy names that one origin as well."""
    target = urlsplit(visit.link.terms.completed_url or visit.link.terms.redirect_uri)
    return {"Content-Security-Policy": _policy((f"{target.scheme}://{target.netloc}",), visit.invitation.brand)}


def _policy(form_targets: Sequence[str], brand: BrandView | None = None) -> str:
    """Without a brand nothing may be embedded. The nonce lets in the one style that holds the accent's numbers."""
    forms = " ".join(("'self'", *form_targets))
    style = f" 'nonce-{brand.nonce}'" if brand and brand.style else ""
    ancestors = " ".join(("'self'", *brand.embed_origins)) if brand and brand.embed_origins else "'none'"
    return (
        f"default-src 'none'; style-src 'self'{style}; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        f"base-uri 'none'; frame-ancestors {ancestors}; form-action {forms}"
    )
