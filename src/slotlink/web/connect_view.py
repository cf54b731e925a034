"""What the connect page says: values in, words out. Every failure has a sentence for the person who connects, and one
for the application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from slotlink.services.authorization import SCOPES
from slotlink.services.providers import Provider
from slotlink.services.sign_in import Reason
from slotlink.web.connect_visit import ConnectVisit, offer
from slotlink.web.languages import page_locale
from slotlink.web.words import words_of

# For the application, when the person gives up after it: `error_description` may hold plain ASCII only (RFC 6749 A.8).
DESCRIPTIONS: Mapping[Reason, str] = {
    "wrong_password": "the calendar server refused user name and password",
    "wrong_address": "no calendars could be read at the address",
    "no_host": "there was no server at the address",
    "unprotected": "the address is one of http, over which no password is sent",
    "internal_address": "the address is internal, and the operator of Slotlink does not allow it",
    "no_answer": "the provider did not answer",
    "too_busy": "too many people were signing in to this server",
    "no_calendars": "the account has no calendar",
    "refused": "the provider refused access",
    "denied": "consent was refused at the provider",
    "missing_scopes": "access to the calendar was not granted at the provider",
    "expired": "the sign-in at the provider took too long",
    "misconfigured": "Slotlink is not set up for this provider as it should be",
    "other_person": "somebody else signed in",
    "other_account": "the calendar belongs to another account of this application",
    "link_token": "link_token is unknown, used or over",
}
UNAVAILABLE: tuple[Reason, ...] = ("no_answer", "too_busy", "misconfigured")


def status_of(reason: Reason) -> int:
    return 503 if reason in UNAVAILABLE else 422


def choose(visit: ConnectVisit) -> str:
    found = [(provider, _title(visit, provider), visit.address(provider)) for provider in offer(visit.web).values()]
    return _render(visit, "connect.html", providers=found, permissions=_permissions(visit))


def sign_in(
    visit: ConnectVisit,
    provider: Provider,
    *,
    reason: Reason | None = None,
    host: str = "",
    typed: Mapping[str, str] | None = None,
    missing: Sequence[str] = (),
) -> str:
    """The form of a provider, or the way on to it. `typed` never holds the password; `missing`: fields left empty."""
    template = "connect_elsewhere.html" if provider.asks == "elsewhere" else "connect_sign_in.html"
    return _render(
        visit,
        template,
        provider=provider,
        title=_title(visit, provider),
        other_address=visit.address(None) if visit.authorization is not None else "",
        permissions=_permissions(visit),
        notice=_notice(visit, provider, reason, host) if reason else None,
        missing=missing,
        typed=typed or {},
        tried=reason or "",
        relinks=visit.profile,
    )


def done(visit: ConnectVisit) -> str:
    return _render(visit, "connect_done.html", relinks=visit.profile)


def refused(pages: Any, locale: str, reason: str, reference: str = "") -> str:
    """A page of nobody's: the request is not one that we can follow. `reason`: client_id, redirect_uri, request,
    form, sign_in, fault."""
    return pages.connect("connect_refused.html", locale, reason=reason, reference=reference)


def _render(visit: ConnectVisit, template: str, **values: Any) -> str:
    name = visit.application.name
    return visit.web.pages.connect(
        template,
        visit.locale,
        invitation={"application_name": name},
        initial=next((character.upper() for character in name if character.isalnum()), ""),
        action=f"{visit.web.base_path}{visit.page}",
        form_token=visit.form_token,
        cancels=visit.authorization is not None,
        leads_to=_leads_to(visit),
        **values,
    )


def _leads_to(visit: ConnectVisit) -> str:
    """The host that the person goes on to."""
    return (urlsplit(visit.authorization.redirect_uri).hostname or "") if visit.authorization is not None else ""


def _title(visit: ConnectVisit, provider: Provider) -> str:
    """What the provider is called: names as they are, everything else in words."""
    _ = words_of(page_locale(visit.locale)).gettext
    titles = {
        "caldav": _("Another calendar server (CalDAV)"),
        "ics": _("A calendar's address (iCalendar feed)"),
    }
    return titles.get(provider.provider_name, provider.title)


def _permissions(visit: ConnectVisit) -> list[str]:
    """What the application may do afterwards, in words."""
    if visit.authorization is None:
        return []
    _ = words_of(page_locale(visit.locale)).gettext
    granted = set(visit.authorization.scope.split())
    words = {
        # translators: this and the next five follow "Globex may then:" as the lines of a list
        "read_free_busy": _("see when you are free or busy"),
        "read_events": _("see your events"),
        "create_event": _("add events and change those it has added"),
        "delete_event": _("delete events it has added"),
        "change_participation_status": _("answer invitations for you"),
        "create_calendar": _("add calendars"),
    }
    if "read_events" in granted:  # says it too
        del words["read_free_busy"]
    return [words[scope] for scope in SCOPES if scope in granted and scope in words]


def _notice(visit: ConnectVisit, provider: Provider, reason: Reason, host: str) -> dict[str, str]:
    """What went wrong and what to do, for the person. Nothing was connected, whichever it is."""
    _ = words_of(page_locale(visit.locale)).gettext
    match reason:
        case "wrong_password":
            head = _("The user name or the password is wrong")
            text = _("Most providers want an app password here, not the one you sign in to their website with.")
        case "wrong_address" if provider.asks == "address":
            head, text = _("There is no calendar at this address"), _("Copy the calendar’s whole address once more.")
        case "wrong_address":
            head = _("There is no calendar server at this address")
            text = _("Your provider’s help pages name the address for CalDAV.")
        case "no_host":
            head, text = _("There is no server of this name"), _("Check the address for slips.")
        case "unprotected":
            head = _("A password is not sent to this address")
            text = _("It begins with http://, so others could read the password. Use the address with https://.")
        case "internal_address":
            head = _("This address cannot be connected from here")
            text = _("It lies inside a private network. Whoever runs this server can allow it.")
        case "no_answer":
            head = _("The calendar server does not answer")
            text = _("Check the address, or try again in a few minutes.") if host else _("Try again in a few minutes.")
        case "too_busy":
            head = _("Many people are signing in there just now")
            text = _("Try again in a moment.")
        case "no_calendars" if provider.asks == "address":
            head, text = _("There is no calendar at this address"), _("Copy the calendar’s whole address once more.")
        case "no_calendars":
            head, text = _("This account has no calendar"), _("Add a calendar there first, or use another account.")
        case "refused":
            head, text = _("The provider refuses access"), _("Sign in once more, or ask whoever runs your account.")
        case "denied":
            head = _("You did not allow access")
            text = _("Without it no calendar can be connected. You can sign in again and allow it.")
        case "missing_scopes":
            head = _("Access to your calendar was left out")
            text = _("Sign in again and leave every box about calendars ticked.")
        case "expired":
            head, text = _("That took too long"), _("Please sign in once more.")
        case "misconfigured":
            head = _("This server is not set up for it")
            text = _("Whoever runs it has been told. Another calendar may work.")
        case "other_person":
            head = _("That is somebody else’s account")
            name = visit.profile.profile_name if visit.profile else ""
            text = _("Sign in as %(name)s.") % {"name": name} if name else _("Sign in as before.")
        case "other_account":
            head = _("This calendar is connected to another account already")
            text = _("Choose another calendar, or disconnect it there first.")
        case "link_token":
            head = _("This request is too old")
            text = _("Go back to the application and begin once more.")
    return {"reason": reason, "head": head, "text": text}
