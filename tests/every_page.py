"""Every page that a visitor can see, in one language, with texts and names in Greek: no letter of A to Z is theirs."""

from __future__ import annotations

import datetime
from types import SimpleNamespace
from typing import Any, get_args
from zoneinfo import ZoneInfo

from slotlink.services.authorization import SCOPES
from slotlink.services.providers import PROVIDERS
from slotlink.services.sign_in import Reason
from slotlink.web import connect_view
from slotlink.web.invitation import Choice, Invitation, Notice
from slotlink.web.pages import Pages

ZONE = ZoneInfo("Europe/London")
PAGES = Pages(asset_version="1")


def at(month: int, day: int, hour: int, minute: int = 0) -> int:
    return int(datetime.datetime(2027, month, day, hour, minute, tzinfo=ZONE).timestamp())


NOW = at(3, 8, 7, 42)
SLOTS = [at(3, day, hour) for day in (8, 9, 10, 11, 12, 15, 28, 30) for hour in (9, 13, 18)] + [at(5, 3, 9)]
INVITATION = Invitation(
    application_name="Γλόμπεξ",
    summary="Συνάντηση προϊόντος",
    description="Θα μιλήσουμε για τη δουλειά.\nΤίποτα για προετοιμασία.",
    place="Αίθουσα",
    people=("Μάγια", "Ιωνάς", "Άννα"),
    duration_s=5400,
    path="/rts/1",
    leads_to="παράδειγμα.δοκιμή",
)


def choice_of(locale: str, **changes: Any) -> Choice:
    known: dict[str, Any] = {
        "tzid": "Europe/London",
        "hours": None,
        "date": datetime.date(2027, 3, 9),
        "month": None,
        "locale": locale,
        "organiser_tzid": "Asia/Kolkata",
    }
    return Choice(**{**known, **changes})


def every_page(locale: str) -> dict[str, str]:
    return booking_pages(locale) | connect_pages(locale)


def booking_pages(locale: str) -> dict[str, str]:
    pages, invitation, choice = PAGES, INVITATION, choice_of(locale)

    def picker(chosen: Choice = choice, about: Invitation = invitation, **changes: Any) -> str:
        known: dict[str, Any] = {
            "now": NOW,
            "form_token": "1",
            "books_at_once": False,
            "offers_none_suitable": True,
            "partial": False,
        }
        return pages.picker(about, chosen, changes.pop("slots", SLOTS), **{**known, **changes})

    def none_left(**changes: Any) -> str:
        known: dict[str, Any] = {
            "now": NOW,
            "first": at(3, 9, 0),
            "last": at(3, 31, 0),
            "form_token": "1",
            "offers_none_suitable": True,
            "told": False,
            "unreadable": False,
        }
        return pages.no_times(invitation, choice, **{**known, **changes})

    taken = Notice("taken", at(3, 9, 10))
    midnight = at(3, 9, 23)
    booked = {"ics_path": "/1", "google_url": "https://1.test/", "outlook_url": "https://2.test/"}
    long = Invitation(**{**INVITATION.__dict__, "description": "Ω " * 200, "people": ()})
    shown = {
        "picker": picker(),
        "picker, today": picker(choice_of(locale, date=datetime.date(2027, 3, 8))),
        "picker, a month": picker(choice_of(locale, month=(2027, 3), hours=12)),
        "picker, today without times": picker(choice_of(locale, month=(2027, 3)), slots=SLOTS[3:]),
        "picker, the clocks go forward": picker(choice_of(locale, date=datetime.date(2027, 3, 28))),
        "picker, the clocks go back": picker(
            choice_of(locale, date=datetime.date(2027, 10, 31)), slots=[at(10, 31, 0, 30), at(10, 31, 9)]
        ),
        "picker, UTC": picker(choice_of(locale, tzid="Etc/UTC")),
        "picker, behind UTC": picker(choice_of(locale, tzid="America/Sao_Paulo")),
        "picker, behind UTC with a name": picker(choice_of(locale, tzid="America/New_York")),
        "picker, over midnight": picker(slots=[midnight]),
        "picker, at once": picker(about=long, books_at_once=True),
        "picker, partial": picker(partial=True),
        "picker, taken": picker(notice=taken, nearest=[at(3, 9, 9), at(3, 9, 13)]),
        "picker, taken, some near": picker(notice=taken, nearest=[at(3, 9, 9), at(3, 10, 9)]),
        "picker, taken, later": picker(notice=taken, nearest=[at(3, 10, 9)]),
        "picker, taken, before": picker(notice=taken, nearest=[at(3, 8, 9)]),
        "picker, invalid": picker(notice=Notice("invalid", None)),
        "picker, unreadable": picker(partial=True, notice=Notice("unreadable", at(3, 9, 9))),
        "confirm": pages.confirm(invitation, choice, at(3, 9, 9), form_token="1"),
        "confirm, over midnight": pages.confirm(invitation, choice, midnight, form_token="1"),
        "confirm, UTC": pages.confirm(invitation, choice_of(locale, tzid="Etc/UTC"), midnight, form_token="1"),
        "confirm, clocks": pages.confirm(invitation, choice, at(3, 28, 0, 30), form_token="1"),
        "confirm, unreadable": pages.confirm(
            invitation, choice, at(3, 9, 9), form_token="1", notice=Notice("unreadable", at(3, 9, 9))
        ),
        "completed": pages.completed(invitation, choice, start=at(3, 9, 9), end=at(3, 9, 10), **booked),
        "no times": none_left(),
        "no times, one day": none_left(last=at(3, 10, 0), told=True),
        "no times, next year": none_left(last=at(3, 31, 0) + 365 * 86400),
        "no times, unreadable": none_left(unreadable=True),
        "no times, taken": none_left(notice=taken),
        "none suitable": pages.none_suitable(invitation, choice, form_token="1"),
        "told": pages.told(invitation, choice, note=""),
        "told, with a note": pages.told(invitation, choice, note="Τρίτη"),
        "disabled": pages.disabled(invitation, choice, message="Κλειστό"),
        "expired": pages.expired(invitation, choice, last=at(3, 31, 0)),
        "unknown": pages.unknown(locale),
        "problem 403": pages.problem(locale, status=403, reference=""),
        "problem 429": pages.problem(locale, status=429, reference=""),
        "problem 400": pages.problem(locale, status=400, reference=""),
        "problem 500": pages.problem(locale, status=500, reference="0123"),
        "problem 500, perhaps booked": pages.problem(locale, status=500, reference="0123", may_be_booked=True),
        "problem 503, perhaps booked": pages.problem(locale, status=503, reference="", may_be_booked=True),
    }
    for letters in (1, 2, 3, 11, 100):
        shown[f"none suitable, {letters} too long"] = pages.none_suitable(
            invitation, choice, form_token="1", note="Ω", too_long_by=letters
        )
    return shown


def connect_pages(locale: str) -> dict[str, str]:
    asks = connect_visit(locale)
    again = connect_visit(locale, profile=SimpleNamespace(profile_name="άννα@παράδειγμα"), authorization=None)
    nameless = connect_visit(locale, profile=SimpleNamespace(profile_name=""), authorization=None)
    google = PROVIDERS["google"]
    shown = {
        "connect": connect_view.choose(asks),
        "connect, done": connect_view.done(again),
        "connect, again": connect_view.sign_in(again, google),
        "connect, the same person": connect_view.sign_in(again, google, reason="other_person"),
        "connect, the same person as before": connect_view.sign_in(nameless, google, reason="other_person"),
        "connect, missing": connect_view.sign_in(asks, PROVIDERS["caldav"], missing=["user", "password", "address"]),
    }
    for name, provider in PROVIDERS.items():
        shown[f"connect, {name}"] = connect_view.sign_in(asks, provider)
    for reason in get_args(Reason):
        for provider in (PROVIDERS["caldav"], PROVIDERS["ics"]):
            shown[f"connect, {provider.provider_name}, {reason}"] = connect_view.sign_in(
                asks, provider, reason=reason, host="1"
            )
    shown["connect, no answer without an address"] = connect_view.sign_in(asks, google, reason="no_answer")
    for reason in ("client_id", "redirect_uri", "request", "form", "sign_in", "fault"):
        shown[f"connect, refused: {reason}"] = connect_view.refused(PAGES, locale, reason, "0123")
    return shown


def connect_visit(locale: str, **changes: Any) -> Any:
    """As much of a visit to the connect page as its view reads."""
    settings = SimpleNamespace(
        google_client_id="1",
        google_client_secret="1",
        google_oauth_url="",
        microsoft_client_id="1",
        microsoft_client_secret="1",
        microsoft_login_url="https://login.test",
    )
    known = {
        "web": SimpleNamespace(pages=PAGES, base_path="", deps=SimpleNamespace(settings=settings)),
        "application": SimpleNamespace(name="Γλόμπεξ"),
        "page": "/oauth/authorize",
        "authorization": SimpleNamespace(scope=" ".join(SCOPES), redirect_uri="https://παράδειγμα.δοκιμή/"),
        "profile": None,
        "locale": locale,
        "form_token": "1",
        "address": lambda provider: "/oauth/authorize",
    }
    return SimpleNamespace(**{**known, **changes})
