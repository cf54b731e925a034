"""What the tests of Microsoft's double begin with: a person, an application, and tokens for it."""

from __future__ import annotations

from typing import Any

from tests.doubles.graph import CLIENT_ID, CLIENT_SECRET, GraphDouble
from tests.doubles.graph_caller import Caller, window

ANN, BEN = "ann@example.com", "ben@example.com"
CALLBACK = "https://slotlink.test/oauth/callback"
SCOPES = ("Calendars.ReadWrite", "User.Read", "MailboxSettings.Read", "offline_access")
KEY = "String {66f5a359-4659-4830-9070-00040ec6ac6e} Name SlotlinkKey"
DAY = window("2027-03-05T00:00:00Z", "2027-03-06T00:00:00Z")
WEEK = ("2027-03-01T00:00:00Z", "2027-03-08T00:00:00Z")


def register(graph: GraphDouble) -> None:
    graph.oauth.register(CLIENT_ID, CLIENT_SECRET, CALLBACK)


def caller(graph: GraphDouble, email: str = ANN, *scopes: str) -> Caller:
    """The application, signed in for somebody."""
    return Caller(graph.url, graph.oauth.tokens_for(email, scopes or SCOPES, CLIENT_ID)["access_token"])


def at(start: str, end: str, zone: str = "UTC", **members: Any) -> dict[str, Any]:
    """A body with times on 5 March 2027, a Friday, unless a day is given."""
    times = [value if "T" in value else f"2027-03-05T{value}:00" for value in (start, end)]
    ends = {name: {"dateTime": value, "timeZone": zone} for name, value in zip(("start", "end"), times, strict=True)}
    return {"subject": "Call", **ends, **members}


def keyed(value: str, key: str = KEY) -> dict[str, Any]:
    return {"singleValueExtendedProperties": [{"id": key, "value": value}]}
