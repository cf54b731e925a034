"""An application that calls Graph with one access token; to test the double and to record the service."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from tests.doubles.caller import BearerCaller


class Caller(BearerCaller):
    """`url` is Graph's root without a version."""

    def __init__(self, url: str, token: str) -> None:
        super().__init__(f"{url}/v1.0", token)

    def create(self, body: Any, **more: Any) -> dict[str, Any]:
        answer = self("POST", "/me/events", body, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def get(self, event_id: str, **more: Any) -> dict[str, Any]:
        return self("GET", f"/me/events/{event_id}", **more).json()

    def view(self, start: str, end: str, calendar: str | None = None, **more: Any) -> list[dict[str, Any]]:
        """All pages of a window."""
        path = f"/me/calendars/{calendar}/calendarView" if calendar else "/me/calendarView"
        page = self("GET", f"{path}?{window(start, end)}", **more).json()
        found = page["value"]
        while "@odata.nextLink" in page:
            page = self("GET", page["@odata.nextLink"], **more).json()
            found += page["value"]
        return found

    def round(self, link: str, **more: Any) -> tuple[list[dict[str, Any]], str]:
        """All pages of one round of delta from a link or path, and the deltaLink."""
        found: list[dict[str, Any]] = []
        while True:
            answer = self("GET", link, **more)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["value"]
            if "@odata.deltaLink" in page:
                return found, page["@odata.deltaLink"]
            link = page["@odata.nextLink"]


def window(start: str, end: str) -> str:
    return f"startDateTime={quote(start)}&endDateTime={quote(end)}"


def code(answer: requests.Response) -> tuple[int, str]:
    """Status and what clients decide by."""
    return answer.status_code, answer.json()["error"]["code"]
