"""An application that calls Google's API with one access token; to test the double and to record the service."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from tests.doubles.caller import BearerCaller


class Caller(BearerCaller):
    """`url` is the API's base with /calendar/v3."""

    def events(self, calendar: str = "primary", **query: str | int) -> dict[str, Any]:
        """One page of events."""
        return self("GET", events_path(calendar), query=query).json()

    def all_events(self, calendar: str = "primary", **query: str | int) -> tuple[list[dict[str, Any]], str | None]:
        """Every page's items, and the sync token of the last."""
        items: list[dict[str, Any]] = []
        while True:
            page = self.events(calendar, **query)
            items += page["items"]
            if "nextPageToken" not in page:
                return items, page.get("nextSyncToken")
            query["pageToken"] = page["nextPageToken"]

    def insert(self, body: Any, calendar: str = "primary", **query: str | int) -> requests.Response:
        return self("POST", events_path(calendar), body, query)

    def event(self, method: str, event_id: str, body: Any = None, calendar: str = "primary", **more: Any) -> Any:
        return self(method, f"{events_path(calendar)}/{event_id}", body, **more)


def events_path(calendar: str = "primary") -> str:
    return f"/calendars/{quote(calendar, safe='')}/events"


def reason(answer: requests.Response) -> tuple[int, str]:
    """Status and what clients decide by."""
    return answer.status_code, answer.json()["error"]["errors"][0]["reason"]
