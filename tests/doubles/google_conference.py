"""Conferences are made later: a request is `pending` first, then it succeeds or fails."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from tests.doubles.google_errors import Json, invalid
from tests.doubles.google_store import Store

LETTERS = "abcdefghijkmnopqrstuvwxyz"


@dataclass
class _Pending:
    event_id: str
    request_id: str
    ready_at: float


class Conferences:
    """`delay_s` is how long Google takes by the double's clock; `fails`: the next ones end in `failure`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pending: list[_Pending] = []
        self.delay_s = 2.0
        self.fails = False

    def ask(self, event: Json, data: Json | None) -> None:
        """Take `conferenceData` of a body into the event."""
        if data is None:
            event.pop("conferenceData", None)
            event.pop("hangoutLink", None)
            return
        request = data.get("createRequest")
        if request is None:
            event["conferenceData"] = data
            return
        asked_id: str | None = request.get("requestId")
        if not asked_id:
            raise invalid("Invalid conference data: requestId is missing.")
        kind = request.get("conferenceSolutionKey", {}).get("type", "hangoutsMeet")
        if kind != "hangoutsMeet":  # fact: conference.type
            raise invalid("Invalid conference type value.")
        if asked_id == request_id(event):  # fact: conference.same-request-ignored
            return
        event["conferenceData"] = {"createRequest": _request(asked_id, "pending")}  # fact: conference.pending
        self._pending.append(_Pending(event["id"], asked_id, self._store.clock.now + self.delay_s))

    def settle(self) -> None:
        """Finish what is due. The event changes by it, as by any other write."""
        due = [one for one in self._pending if one.ready_at <= self._store.clock.now]
        self._pending = [one for one in self._pending if one.ready_at > self._store.clock.now]
        for one in due:
            link = _link()
            for calendar in self._store.calendars.values():
                stored = calendar.events.get(one.event_id)
                if stored is not None and request_id(stored.event) == one.request_id:
                    self._store.keep(calendar, {**stored.event, **self._outcome(one.request_id, link)})

    def _outcome(self, request_id: str, link: str) -> Json:
        if self.fails:
            return {"conferenceData": {"createRequest": _request(request_id, "failure")}}
        return {
            "hangoutLink": link,
            "conferenceData": {
                "createRequest": _request(request_id, "success"),
                "entryPoints": [{"entryPointType": "video", "uri": link, "label": link.removeprefix("https://")}],
                "conferenceSolution": {"key": {"type": "hangoutsMeet"}, "name": "Google Meet"},
                "conferenceId": link.rpartition("/")[2],
            },
        }


def request_id(event: Json) -> str | None:
    data: Json = event.get("conferenceData") or {}
    request: Json = data.get("createRequest") or {}
    return request.get("requestId")


def _request(request_id: str, status: str) -> Json:
    return {
        "requestId": request_id,
        "conferenceSolutionKey": {"type": "hangoutsMeet"},
        "status": {"statusCode": status},
    }


def _link() -> str:
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(length)) for length in (3, 4, 3))
    return f"https://meet.google.com/{code}"
