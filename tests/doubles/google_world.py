"""What the tests of Google's double begin with: a person, an application, and tokens for it."""

from __future__ import annotations

from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, SCOPE, GoogleDouble
from tests.doubles.google_caller import Caller

ANN, BEN = "ann@example.com", "ben@example.com"
HOUR = 3600
CALLBACK = "https://slotlink.test/oauth/callback"


def register(google: GoogleDouble) -> None:
    google.oauth.register(CLIENT_ID, CLIENT_SECRET, CALLBACK)


def caller(google: GoogleDouble, email: str = ANN, *scopes: str) -> Caller:
    """The application, signed in for somebody; with the scope `calendar` unless others are named."""
    granted = [SCOPE + name for name in scopes or ("calendar",)]
    return Caller(google.url + API, google.oauth.tokens_for(email, granted, CLIENT_ID)["access_token"])


def at(start: str, end: str, zone: str | None = None) -> dict[str, dict[str, str]]:
    """`start` and `end` of a body, on 5 March 2027 unless a day is given."""
    named = {"timeZone": zone} if zone else {}
    times = [value if "T" in value else f"2027-03-05T{value}:00Z" for value in (start, end)]
    return {"start": {"dateTime": times[0], **named}, "end": {"dateTime": times[1], **named}}
