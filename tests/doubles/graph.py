"""Microsoft's identity platform and the Graph calendar API v1.0, as far as Slotlink uses them.

Written from the public documents before there was a connector, and by somebody else than its author. Every rule has
an entry in graph_facts.toml; `fact: …` marks say where each is kept. A client's base URLs: `graph.url` stands for both
https://login.microsoftonline.com and https://graph.microsoft.com.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from starlette.responses import Response
from starlette.routing import BaseRoute

from tests.doubles import graph_errors as errors
from tests.doubles.graph_batch import Answer, Batches
from tests.doubles.graph_delta import Deltas
from tests.doubles.graph_errors import Json, RefusedError
from tests.doubles.graph_events import Events
from tests.doubles.graph_identity import MicrosoftAuthorization, has_scope
from tests.doubles.graph_limits import Limits
from tests.doubles.graph_meetings import Meetings
from tests.doubles.graph_person import GraphPerson
from tests.doubles.graph_push import Push
from tests.doubles.graph_shapes import Shapes, View, mailbox_settings, me, view_of
from tests.doubles.graph_store import Calendar, Found, Store
from tests.doubles.graph_times import windows_name
from tests.doubles.graph_view import Listing
from tests.doubles.service import Asked, Now, Service

API = "/v1.0"
READ = {"calendars.read", "calendars.readwrite"}  # fact: scope.calendars
WRITE = {"calendars.readwrite"}
PROFILE = {"user.read", "user.readwrite"}
SETTINGS = {"mailboxsettings.read", "mailboxsettings.readwrite"}
CLIENT_ID, CLIENT_SECRET = "6731de76-14a6-49ae-97bc-6eba6914391e", "double~secret"


class Ask:
    """One authorized call: who, what the path names, how the answer is wanted."""

    def __init__(self, user: str, asked: Asked, names: dict[str, str | None], view: View, link: str) -> None:
        self.user = user
        self.asked = asked
        self.names = names
        self.view = view
        self.link = link  # this call's own address, without its query

    @property
    def if_match(self) -> str | None:
        return self.asked.call.headers.get("if-match")

    @property
    def body(self) -> Json:
        try:
            body: Any = self.asked.call.json
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise errors.bad_request("Unable to read JSON request payload. Please ensure Content-Type header is set.")
        return cast(Json, body)


ApiHandler = Callable[[Ask], tuple[int, Json | None]]


class GraphDouble(Service):
    """`with GraphDouble() as graph:` and then `graph.person("ann@example.com", zone="Europe/Berlin")`."""

    def __init__(self, clock: Now | None = None) -> None:
        super().__init__(clock)
        self.oauth = MicrosoftAuthorization(self)
        self.store = Store(self.clock)
        self.meetings = Meetings(self.store)
        self.events = Events(self.store, self.meetings)
        self.shapes = Shapes(self.store)
        self.listing = Listing(self.store, self.shapes)
        self.deltas = Deltas(self.store, self.shapes)
        self.push = Push(self.store)
        self.limits = Limits(self)
        self.batches = Batches(self._run, self.faults, API)
        self._table = list(self._calls())

    def person(self, email: str, zone: str = "UTC", *, personal: bool = False) -> GraphPerson:
        """Somebody with a mailbox; `zone` by IANA name. `personal`: an outlook.com account."""
        with self.lock:
            if email not in self.store.people:
                self.store.add_person(email, windows_name(zone), personal)
        return GraphPerson(self, email)

    def fail(self, code: str, *, retry_after: int | None = None, **when: Any) -> None:
        """Answer the next calls with the error of that code; `when` as in Faults."""
        error = errors.by_code(code)
        later = {"Retry-After": str(retry_after)} if retry_after is not None else {}
        self.faults.answer(error.status, error.body(self.clock.now), {**error.headers, **later}, **when)

    def routes(self) -> Sequence[BaseRoute]:
        methods = ("GET", "POST", "PATCH", "PUT", "DELETE")
        tenant = "/{tenant}/oauth2/v2.0"
        return [
            *self.oauth.routes(authorize=f"{tenant}/authorize", token=f"{tenant}/token"),
            self.route(API + "/$batch", self._batch, "POST"),
            self.route(API + "/{path:path}", self._http, *methods),
        ]

    def _calls(self) -> Sequence[tuple[str, re.Pattern[str], set[str], ApiHandler]]:
        """Method, path, who may, and what happens."""
        calendar = "me/(?:calendars/(?P<calendar>[^/]+)/|calendar/)?"
        event = f"{calendar}events/(?P<event>[^/]+)"
        table: list[tuple[str, str, set[str], ApiHandler]] = [
            ("GET", "me", PROFILE, self._me),
            ("GET", "me/mailboxSettings", SETTINGS, self._settings),
            ("GET", "me/calendars", READ, self._calendars),
            ("POST", "me/calendars", WRITE, self._make_calendar),
            ("GET", "me/calendar|me/calendars/(?P<calendar>[^/]+)", READ, self._get_calendar),
            ("DELETE", "me/calendars/(?P<calendar>[^/]+)", WRITE, self._delete_calendar),
            ("GET", f"{calendar}calendarView", READ, self._view),
            ("GET", rf"{calendar}calendarView/(?:microsoft\.graph\.)?delta(?:\(\))?", READ, self._delta),
            ("GET", f"{calendar}events", READ, self._list),
            ("POST", f"{calendar}events", WRITE, self._create),
            ("GET", event, READ, self._get),
            ("PATCH", event, WRITE, self._update),
            ("DELETE", event, WRITE, self._delete),
            ("GET", f"{event}/instances", READ, self._instances),
            ("GET", "subscriptions", READ, lambda ask: (200, self.push.list(ask.user))),
            ("POST", "subscriptions", READ, self._subscribe),
            ("GET", "subscriptions/(?P<id>[^/]+)", READ, lambda ask: (200, self.push.get(ask.user, _id(ask)))),
            ("PATCH", "subscriptions/(?P<id>[^/]+)", READ, self._renew),
            ("DELETE", "subscriptions/(?P<id>[^/]+)", READ, self._unsubscribe),
            ("POST", "subscriptions/(?P<id>[^/]+)/reauthorize", READ, self._reauthorize),
        ]
        return [(method, re.compile(path, re.IGNORECASE), may, handler) for method, path, may, handler in table]

    def _http(self, asked: Asked) -> Response:
        return _response(self._run(asked, asked.names["path"]))

    def _batch(self, asked: Asked) -> Response:
        try:
            if self.oauth.bearer(asked.bearer) is None:
                raise errors.bad_token(not asked.bearer)
            ask = Ask("", asked, {}, View(""), "")
            return _response(Answer(200, self.batches.call(asked, ask.body)))
        except RefusedError as error:
            return _response(Answer(error.status, error.body(self.clock.now), error.headers))

    def _run(self, asked: Asked, path: str) -> Answer:
        """Who calls, may they, are they too fast, and what the answer looks like."""
        try:
            caller = self.oauth.bearer(asked.bearer)
            if caller is None:
                raise errors.bad_token(not asked.bearer)
            user, granted = caller
            self.limits.count(user, asked.call)
            may, handler, names = self._handler(user, asked.call.method, path)
            if not has_scope(granted, may):
                raise errors.access_denied()
            view = view_of(user, asked, asked.query)
            link = f"{self.url}{API}/{path}"
            status, body = handler(Ask(user, asked, names, view, link))
        except RefusedError as error:
            return Answer(error.status, error.body(self.clock.now), error.headers)
        applied = {"Preference-Applied": ", ".join(view.applied)} if view.applied else {}
        if body is not None:
            body = {"@odata.context": f"{self.url}{API}/$metadata#{path}", **body}
        return Answer(status, body, applied)

    def _handler(self, user: str, method: str, path: str) -> tuple[set[str], ApiHandler, dict[str, str | None]]:
        own = "|".join(re.escape(name) for name in (user, self.store.people[user].id))
        path = re.sub(rf"^users/(?:{own})(?=/|$)", "me", path, flags=re.IGNORECASE)
        if path.lower().startswith("users/"):
            raise errors.access_denied()
        known = False
        for wanted, pattern, may, handler in self._table:
            if found := pattern.fullmatch(path):
                known = True
                if wanted == method:
                    return may, handler, found.groupdict()
        if known:
            raise RefusedError(
                405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."
            )
        raise errors.bad_request(f"Resource not found for the segment '{path.rpartition('/')[2]}'.")

    # The calls.

    def _me(self, ask: Ask) -> tuple[int, Json]:
        return 200, me(self.store.people[ask.user])

    def _settings(self, ask: Ask) -> tuple[int, Json]:
        return 200, mailbox_settings(self.store.people[ask.user])

    def _calendars(self, ask: Ask) -> tuple[int, Json]:
        return 200, self.listing.calendars(ask.user, ask.view, ask.asked.query, ask.link)

    def _get_calendar(self, ask: Ask) -> tuple[int, Json]:
        return 200, self.shapes.calendar(self._calendar(ask), ask.user)

    def _make_calendar(self, ask: Ask) -> tuple[int, Json]:  # fact: calendar.create
        made = self.store.add_calendar(ask.user, ask.body.get("name") or "")
        return 201, self.shapes.calendar(made, ask.user)

    def _delete_calendar(self, ask: Ask) -> tuple[int, None]:
        calendar = self._calendar(ask)
        if calendar.is_default or calendar.owner != ask.user:
            raise errors.access_denied()
        del self.store.calendars[calendar.id]
        return 204, None

    def _view(self, ask: Ask) -> tuple[int, Json]:
        return 200, self.listing.view(self._calendar(ask), ask.view, ask.asked.query, ask.link)

    def _delta(self, ask: Ask) -> tuple[int, Json]:
        return 200, self.deltas.call(self._calendar(ask), ask.view, ask.asked.query, ask.link)

    def _list(self, ask: Ask) -> tuple[int, Json]:
        """Of one calendar, or of the whole mailbox."""  # fact: events.whole-mailbox
        one = ask.names.get("calendar") or "/calendar/events" in ask.link
        mine = [calendar for calendar in self.store.of(ask.user) if calendar.owner == ask.user]
        return 200, self.listing.events([self._calendar(ask)] if one else mine, ask.view, ask.asked.query, ask.link)

    def _create(self, ask: Ask) -> tuple[int, Json]:
        calendar, body = self._calendar(ask), ask.body
        stored = self.events.create(ask.user, calendar, body)
        if ask.view.zone is None:  # fact: times.created-in-own-zone
            ask.view.zone = body["start"].get("timeZone") or "UTC"
        home = next(one for one in self.store.of(ask.user) if stored.key in one.events)
        return 201, self.shapes.event(home, stored, None, ask.view)

    def _get(self, ask: Ask) -> tuple[int, Json]:
        return 200, self._shown(ask, self._found(ask))

    def _update(self, ask: Ask) -> tuple[int, Json]:
        found = self._found(ask)
        self.events.update(ask.user, found, ask.body, ask.if_match)
        return 200, self._shown(ask, found)

    def _delete(self, ask: Ask) -> tuple[int, None]:
        self.events.delete(ask.user, self._found(ask), ask.if_match)
        return 204, None

    def _instances(self, ask: Ask) -> tuple[int, Json]:
        found = self._found(ask)
        return 200, self.listing.instances(found.calendar, found.stored, ask.view, ask.asked.query, ask.link)

    def _subscribe(self, ask: Ask) -> tuple[int, Json]:
        return 201, self.push.create(ask.user, ask.body, ask.view.immutable)

    def _renew(self, ask: Ask) -> tuple[int, Json]:
        return 200, self.push.renew(ask.user, _id(ask), ask.body)

    def _unsubscribe(self, ask: Ask) -> tuple[int, None]:
        self.push.delete(ask.user, _id(ask))
        return 204, None

    def _reauthorize(self, ask: Ask) -> tuple[int, None]:
        self.push.reauthorize(ask.user, _id(ask))
        return 204, None

    def _calendar(self, ask: Ask) -> Calendar:
        return self.store.calendar(ask.user, ask.names.get("calendar"))

    def _found(self, ask: Ask) -> Found:
        return self.store.find(ask.user, ask.names["event"] or "", ask.names.get("calendar"))

    def _shown(self, ask: Ask, found: Found) -> Json:
        return self.shapes.event(found.calendar, found.stored, found.day, ask.view)


def _id(ask: Ask) -> str:
    return ask.names["id"] or ""


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status, headers=answer.headers)
    text = json.dumps(answer.body, ensure_ascii=False)
    content = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
    return Response(text, answer.status, {"Content-Type": content, **answer.headers})
