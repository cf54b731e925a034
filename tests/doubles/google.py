"""Google's OAuth endpoints and Calendar API v3, as far as Slotlink uses them.

Written from the public documents before there was a connector, and by somebody else than its author. Every rule has
an entry in google_facts.toml; `fact: …` marks say where each is kept. Base URLs for a client: `oauth` and `token`
lie where Google's hosts have them, and the API under /calendar/v3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from starlette.responses import Response
from starlette.routing import BaseRoute

from tests.doubles import google_errors as errors
from tests.doubles.google_calendars import CalendarList
from tests.doubles.google_conference import Conferences
from tests.doubles.google_errors import Json, RefusedError
from tests.doubles.google_events import Events
from tests.doubles.google_freebusy import FreeBusy
from tests.doubles.google_guests import Guests
from tests.doubles.google_list import Listing
from tests.doubles.google_person import GooglePerson
from tests.doubles.google_push import Push
from tests.doubles.google_store import Calendar, Store, Stored
from tests.doubles.google_tokens import Tokens
from tests.doubles.oauth import AuthorizationServer, Grant
from tests.doubles.oauth_claims import subject
from tests.doubles.service import Asked, Handler, Now, Service

SCOPE = "https://www.googleapis.com/auth/"
WRITE = ("calendar", "calendar.events")  # fact: scope.events-write
READ = (*WRITE, "calendar.readonly", "calendar.events.readonly")  # fact: scope.events-read
FREE_BUSY = ("calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy")  # fact: scope.freebusy
LIST = ("calendar", "calendar.readonly", "calendar.calendarlist", "calendar.calendarlist.readonly")  # fact: scope.list
CLIENT_ID, CLIENT_SECRET = "slotlink.apps.googleusercontent.test", "GOCSPX-double"
API = "/calendar/v3"

ApiHandler = Callable[[str, Asked], tuple[int, Any]]


class GoogleAuthorization(AuthorizationServer):
    """Google's habits."""

    def gives_refresh_token(self, asked: dict[str, str], grant: Grant) -> bool:
        """Only for offline access, and only when the person saw the consent screen."""
        # fact: oauth.offline  fact: oauth.refresh-token-once
        consented = not asked["known"] or "consent" in asked.get("prompt", "").split()
        return asked.get("access_type") == "offline" and consented


class GoogleDouble(Service):
    """`with GoogleDouble() as google:` and then `google.person("ann@example.com", zone="Europe/Berlin")`."""

    def __init__(self, clock: Now | None = None) -> None:
        super().__init__(clock)
        self.oauth = GoogleAuthorization(self)
        self.oauth.unused_s = 182 * 86400.0  # fact: oauth.refresh-unused
        self.store = Store(self.clock)
        self.tokens = Tokens(self.clock)
        self.conferences = Conferences(self.store)
        self.guests = Guests(self.store)
        self.events = Events(self.store, self.conferences, self.guests)
        self.listing = Listing(self.store, self.tokens)
        self.freebusy = FreeBusy(self.store)
        self.push = Push(self.store, self.clock)
        self.calendars = CalendarList(self.store, self.tokens)
        self.store.on_share.append(self._share_changed)
        self.calls_a_minute: int | None = None  # a quota per person, over the double's last minute
        self._recent: dict[str, list[float]] = {}

    def person(self, email: str, zone: str = "UTC") -> GooglePerson:
        with self.lock:
            if email not in self.store.people:
                self.store.add_person(email, zone)
        return GooglePerson(self, email)

    def fail(self, reason: str, *, retry_after: int | None = None, **when: Any) -> None:
        """Answer the next calls with the error of that reason; `when` as in Faults."""
        error = errors.by_reason(reason)
        later = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        self.faults.answer(error.status, error.body, {**error.headers, **later}, **when)

    def routes(self) -> Sequence[BaseRoute]:
        calendar, event = f"{API}/calendars/{{calendar}}/events", "/{event}"
        return [
            *self.oauth.routes(authorize="/o/oauth2/v2/auth", token="/token", revoke="/revoke"),
            self.route("/v1/userinfo", self._userinfo, "GET"),
            self.route(f"{API}/users/me/calendarList", self._api(LIST, self._list_calendars), "GET"),
            self.route(f"{API}/users/me/calendarList/watch", self._api(LIST, self._watch_list), "POST"),
            self.route(f"{API}/users/me/calendarList/{{calendar}}", self._api(LIST, self._get_entry), "GET"),
            self.route(f"{calendar}/watch", self._api(READ, self._watch), "POST"),
            self.route(f"{API}/channels/stop", self._api((*READ, *LIST), self._stop), "POST"),
            self.route(f"{API}/freeBusy", self._api(FREE_BUSY, self._free_busy), "POST"),
            self.route(calendar, self._api(READ, self._list), "GET"),
            self.route(calendar, self._api(WRITE, self._insert), "POST"),
            self.route(calendar + event, self._api(READ, self._get), "GET"),
            self.route(calendar + event, self._api(WRITE, self._patch), "PATCH"),
            self.route(calendar + event, self._api(WRITE, self._update), "PUT"),
            self.route(calendar + event, self._api(WRITE, self._delete), "DELETE"),
        ]

    def _api(self, scopes: Sequence[str], handler: ApiHandler) -> Handler:
        """Who calls, may they, and what the answer looks like."""

        def answer(asked: Asked) -> Response:
            self.conferences.settle()
            try:
                caller = self.oauth.bearer(asked.bearer)
                if caller is None:
                    raise errors.bad_credentials()
                user, granted = caller
                if not granted & {SCOPE + name for name in scopes}:
                    raise errors.scope_missing()
                self._count(user)
                status, body = handler(user, asked)
            except RefusedError as error:
                return _json(error.status, error.body, error.headers)
            return _json(status, body, {"ETag": body["etag"]} if body and "etag" in body else {})

        return answer

    def _count(self, user: str) -> None:
        if self.calls_a_minute is None:
            return
        recent = [at for at in self._recent.get(user, []) if at > self.clock.now - 60]
        if len(recent) >= self.calls_a_minute:  # fact: quota.sliding
            raise errors.by_reason("rateLimitExceeded")
        self._recent[user] = [*recent, self.clock.now]

    def _share_changed(self, user: str, calendar: Calendar) -> None:
        self.tokens.forget(user, calendar.id)  # fact: sync.share-changed
        self.push.list_changed(user)

    # The calls.

    def _list_calendars(self, user: str, asked: Asked) -> tuple[int, Any]:
        return 200, self.calendars.list(user, asked.query)

    def _get_entry(self, user: str, asked: Asked) -> tuple[int, Any]:
        return 200, self.calendars.get(user, asked.names["calendar"])

    def _list(self, user: str, asked: Asked) -> tuple[int, Any]:
        return 200, self.listing.events(user, self._calendar(user, asked), asked.query, asked.pairs)

    def _get(self, user: str, asked: Asked) -> tuple[int, Any]:
        calendar = self._calendar(user, asked)
        stored = self.events.get(calendar, asked.names["event"])
        if asked.call.headers.get("if-none-match") == stored.event["etag"]:  # fact: etag.if-none-match
            return 304, None
        return 200, self._shown(user, calendar, stored, asked)

    def _insert(self, user: str, asked: Asked) -> tuple[int, Any]:
        calendar = self._calendar(user, asked, "writer")
        stored = self.events.insert(user, calendar, _body(asked), asked.query)
        return 200, self._shown(user, calendar, stored, asked)

    def _patch(self, user: str, asked: Asked) -> tuple[int, Any]:
        return self._write(self.events.patch, user, asked)

    def _update(self, user: str, asked: Asked) -> tuple[int, Any]:
        return self._write(self.events.update, user, asked)

    def _write(self, write: Callable[..., Stored], user: str, asked: Asked) -> tuple[int, Any]:
        calendar = self._matched(user, asked)
        stored = write(user, calendar, asked.names["event"], _body(asked), asked.query)
        return 200, self._shown(user, calendar, stored, asked)

    def _delete(self, user: str, asked: Asked) -> tuple[int, Any]:
        calendar = self._matched(user, asked)
        self.events.delete(user, calendar, asked.names["event"], asked.query)
        return 204, None

    def _free_busy(self, user: str, asked: Asked) -> tuple[int, Any]:
        return 200, self.freebusy.query(user, _body(asked))

    def _watch(self, user: str, asked: Asked) -> tuple[int, Any]:
        calendar = self._calendar(user, asked)
        uri = f"{self.url}{API}/calendars/{calendar.id}/events?alt=json"
        return 200, self.push.watch(user, calendar.id, uri, _body(asked))

    def _watch_list(self, user: str, asked: Asked) -> tuple[int, Any]:
        uri = f"{self.url}{API}/users/me/calendarList?alt=json"
        return 200, self.push.watch(user, "calendarList", uri, _body(asked))

    def _stop(self, user: str, asked: Asked) -> tuple[int, Any]:
        self.push.stop(user, _body(asked))
        return 204, None

    def _userinfo(self, asked: Asked) -> Response:
        caller = self.oauth.bearer(asked.bearer)
        if caller is None or "openid" not in caller[1]:
            return _json(401, {"error": "invalid_request", "error_description": "Invalid Credentials"}, {})
        return _json(200, {"sub": subject(caller[0]), "email": caller[0], "email_verified": True}, {})

    def _calendar(self, user: str, asked: Asked, role: str = "freeBusyReader") -> Calendar:
        return self.store.calendar(user, asked.names["calendar"], role)

    def _matched(self, user: str, asked: Asked) -> Calendar:
        """The calendar of a change, after the If-Match of the event has been compared."""
        calendar = self._calendar(user, asked, "writer")
        self.events.match(self.events.get(calendar, asked.names["event"]), asked.call.headers.get("if-match"))
        return calendar

    def _shown(self, user: str, calendar: Calendar, stored: Stored, asked: Asked) -> Json:
        return self.listing.shown(stored, calendar, calendar.roles[user], asked.query)


def _body(asked: Asked) -> Json:
    try:
        body: Any = asked.call.json
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(400, "parseError", "Parse Error")  # fact: error.parse
    return cast(Json, body)


def _json(status: int, body: Any, headers: dict[str, str]) -> Response:
    if body is None:
        return Response(status_code=status, headers=headers)
    text = json.dumps(body, indent=1, ensure_ascii=False)
    return Response(text, status, {"Content-Type": "application/json; charset=UTF-8", **headers})
