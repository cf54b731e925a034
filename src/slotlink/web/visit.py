"""A visit: one request for one link's page, what the visitor chose to see, and whether its form is really ours."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from itsdangerous import BadSignature
from pydantic_core import PydanticCustomError
from starlette.requests import Request

from slotlink.domain.event import fill_in
from slotlink.domain.link import Link
from slotlink.errors import (
    NotFound,
)
from slotlink.store import accounts, applications, brandings, links
from slotlink.web.brand_view import brand_view
from slotlink.web.dates import Hours
from slotlink.web.invitation import Asked, Choice, Invitation
from slotlink.web.languages import locale_of_tag, negotiate
from slotlink.web.state import WebState
from slotlink.web.wire import parse_date, zone_names

HOURS: dict[str, Hours] = {"12": 12, "24": 24}  # as the address of a page says it
HOUR_FORMATS: dict[str, Hours] = {"h": 12, "H": 24}  # as a link's terms say it
OWN_PATHS = ("/rts/", "/add_to_calendar/scheduling/", "/real_time_scheduling/")


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


async def open_visit(request: Request, web: WebState, asked: dict[str, Any]) -> Visit | None:
    """The link behind the address, and what is shown of it; None when there is no such link."""
    try:
        async with web.deps.database.reading() as connection:
            link = await links.get_for_visitor(connection, web.deps.vault, request.path_params["token"])
            application = await applications.get(connection, link.application_id)
            branding = await brandings.find_shown(connection, link.application_id)
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
        application_name=(branding.name if branding else None) or application.name,
        summary=event["summary"],
        description=None if private else event.get("description") or None,
        place=None if private else location.get("description") or None,
        people=() if private else names,
        duration_s=link.terms.query.required_duration,
        path=f"{web.base_path}/rts/{link.token}",
        leads_to=_leads_to(web, link),
        brand=brand_view(branding, web.base_path, alone=_alone(request)) if branding else None,
    )
    locale = locale_of(request, asked, branding.default_locale if branding else None)
    return Visit(web, link, invitation, _choice(request, link, asked, locale), web.now())


def _alone(request: Request) -> bool:
    """Fetch Metadata; sent to https and the loopback only."""
    return request.headers.get("sec-fetch-dest") == "document"


def _choice(request: Request, link: Link, asked: dict[str, Any], locale: str) -> Choice:
    """What a visitor wants to see. Whatever cannot be read is as if it were not there."""
    tzid = asked.get("tzid")
    known_zone = isinstance(tzid, str) and tzid in zone_names()
    hours = HOURS.get(str(asked.get("hours"))) or HOUR_FORMATS.get(link.terms.hour_format or "")
    date, month = _date(asked.get("date")), _month(asked.get("month"))
    read: dict[Asked, Any] = {
        "tzid": known_zone,
        "hours": asked.get("hours") in HOURS,
        "date": date,
        "month": month,
        "locale": asks_for_a_language(asked),
    }
    return Choice(
        tzid=str(tzid) if known_zone else link.terms.tzid,
        hours=hours,
        date=date,
        month=month,
        locale=locale,
        organiser_tzid=link.terms.tzid,
        keep_locale=asks_for_a_language(asked),
        unread=tuple((name, str(asked[name])) for name, value in read.items() if asked.get(name) and not value),
        detect_zone=request.method == "GET" and "tzid" not in asked,
    )


def _date(text: Any) -> datetime.date | None:
    try:
        return parse_date(text)
    except PydanticCustomError:
        return None


def _month(text: Any) -> tuple[int, int] | None:
    first = _date(f"{text}-01") if isinstance(text, str) and len(text) == len("2027-03") else None
    return None if first is None else (first.year, first.month)


def locale_of(request: Request, asked: Mapping[str, Any], default: str | None = None) -> str:
    """The language tag of the page. `default`: the application's own language, if it has one."""
    return negotiate(asked.get("locale"), ",".join(request.headers.getlist("accept-language")), default)


def asks_for_a_language(asked: Mapping[str, Any]) -> bool:
    """Whether the address names a language that we have, so that links carry it on."""
    tag = asked.get("locale")
    return isinstance(tag, str) and locale_of_tag(tag) is not None


def onward(visit: Visit) -> str:
    """Where the visitor goes after booking: the application's page with the token added, or the link's own."""
    terms = visit.link.terms
    target = _target(visit.web, visit.link)
    if target is None:
        language = {"locale": visit.choice.locale} if visit.choice.keep_locale else {}
        return f"{visit.invitation.path}?{urlencode({'tzid': visit.choice.tzid, **language})}"
    added = {"token": visit.link.token}
    if terms.completed_url is None and terms.oauth_state is not None:
        added["state"] = terms.oauth_state
    parts = urlsplit(target)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in added]
    return urlunsplit(parts._replace(query=urlencode([*query, *added.items()])))


def _target(web: WebState, link: Link) -> str | None:
    """The application's page that follows the booking; None when it is the link's own."""
    target = link.terms.completed_url or link.terms.redirect_uri
    own = {f"{web.deps.settings.app_url}{path}{link.token}" for path in OWN_PATHS}
    return None if target.partition("?")[0].partition("#")[0] in own else target


def _leads_to(web: WebState, link: Link) -> str:
    """The host that a visitor leaves the page's own for."""
    host = urlsplit(_target(web, link) or "").hostname or ""
    return "" if host == urlsplit(web.deps.settings.app_url).hostname else host


def token_fits(visit: Visit, token: Any) -> bool:
    try:
        return visit.web.form_signer.loads(str(token)) == [visit.link.application_id, visit.link.link_id]
    except BadSignature:
        return False


def comes_from_us(request: Request, web: WebState) -> bool:
    """No other site may post our forms: Sec-Fetch-Site where the browser sends it, else Origin, else neither is a
    browser's request and the form token decides.

    Our origin is that of the settings. The request's own Host is no witness: under a name that somebody else pointed at
    us, Host and Origin agree. (Sec-Fetch-Site would too, but is sent to https and the loopback only.)"""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    ours = urlsplit(web.deps.settings.app_url)
    return request.headers.get("origin") in (None, f"{ours.scheme}://{ours.netloc}")
