"""calendarView/delta: everything in a window first, and what changed since a token later."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_shapes import Shapes, View
from tests.doubles.graph_store import Calendar, Store, Stored
from tests.doubles.graph_view import Query, window

REFUSED = ("$select", "$expand", "$filter", "$orderby", "$search")  # fact: delta.parameters
USUAL = 10


@dataclass
class _Row:
    kind: str  # full, sparse or removed
    stored: Stored
    day: date | None = None


Group = list[_Row]  # a series with all its rows, or one event


@dataclass
class _Token:
    """`groups` are the pages to come of a round that has begun; a delta token has none."""

    user: str
    calendar_id: str
    low: float
    high: float
    version: int
    issued: float
    groups: list[Group] | None = None


class Deltas:
    """`duplicated`: so many next pages repeat their last item on the page after. `empty_pages`: so many next pages
    have nothing on them. `masters`: a series comes with its master. `page_limit`: pages are smaller than asked."""

    def __init__(self, store: Store, shapes: Shapes) -> None:
        self._store = store
        self._shapes = shapes
        self._tokens: dict[str, _Token | None] = {}  # None: forgotten
        self.duplicated = 0
        self.empty_pages = 0
        self.masters = True
        self.page_limit: int | None = None
        self.lifetime_s = float("inf")  # nobody documents it for Outlook

    def forget(self, user: str | None = None) -> None:
        """All tokens, or a person's, are gone for no reason."""
        for text, token in self._tokens.items():
            if token is not None and user in (None, token.user):
                self._tokens[text] = None

    def call(self, calendar: Calendar, view: View, query: Query, path: str) -> Json:
        by_name = {name.lower(): value for name, value in query.items()}
        if "$skiptoken" in by_name:
            token = self._known(by_name["$skiptoken"], view.user, calendar)
            return self._page(token, token.groups or [], view, path)
        if "$deltatoken" in by_name:
            token = self._known(by_name["$deltatoken"], view.user, calendar)
            groups = self._changes(calendar, token)
        else:
            refused = [name for name in REFUSED if name in by_name]
            if refused:
                message = "The following parameters are not supported with change tracking over the 'CalendarView'"
                raise errors.invalid(f"{message} resource: '{', '.join(refused)}'.", "ErrorInvalidUrlQuery")
            low, high = window(query)  # fact: delta.fixed-window
            token = _Token(view.user, calendar.id, low, high, 0, self._store.clock.now)
            groups = [group for one in calendar.events.values() if (group := self._present(calendar, one, token))]
        round_ = _Token(view.user, calendar.id, token.low, token.high, self._store.version, self._store.clock.now)
        return self._page(round_, copy.deepcopy(groups), view, path)

    def _known(self, text: str, user: str, calendar: Calendar) -> _Token:
        if text not in self._tokens:
            raise errors.bad_request("Badly formed token.")  # fact: delta.garbage
        token = self._tokens[text]
        if token is None or token.issued + self.lifetime_s <= self._store.clock.now:
            raise errors.sync_state_gone()
        if (token.user, token.calendar_id) != (user, calendar.id):
            raise errors.bad_request("Badly formed token.")
        return token

    def _page(self, token: _Token, groups: list[Group], view: View, path: str) -> Json:
        """A series is never split, so a page may be larger than asked."""  # fact: delta.series-whole
        size = min(view.page_size or USUAL, self.page_limit or 1000)
        taken: list[Group] = []
        if self.empty_pages and groups:  # fact: delta.empty-page
            self.empty_pages -= 1
        else:
            while groups and sum(len(group) for group in taken) < size:
                taken.append(groups[0])
                groups = groups[1:]
            if self.duplicated and taken and (groups or len(taken) > 1):  # fact: delta.duplicates
                self.duplicated -= 1
                groups = [taken[-1], *groups]
        answer: Json = {"value": [self._shown(row, token, view) for group in taken for row in group]}
        if groups:
            following = replace(token, groups=groups)
            answer["@odata.nextLink"] = f"{path}?$skiptoken={self._issue(following)}"  # fact: delta.links
        else:
            following = replace(token, groups=None, issued=self._store.clock.now)
            answer["@odata.deltaLink"] = f"{path}?$deltatoken={self._issue(following)}"
        return answer

    def _issue(self, token: _Token) -> str:
        text = f"R0usmc{secrets.token_urlsafe(24)}"
        self._tokens[text] = token
        return text

    def _changes(self, calendar: Calendar, token: _Token) -> list[Group]:
        """Removals first: an event that went and came back is there in the end."""
        gone = [[_Row("removed", one.stored)] for one in calendar.gone if one.version > token.version]
        changed = [one for one in calendar.events.values() if one.version > token.version]
        # fact: delta.outside-window
        return gone + [self._present(calendar, one, token) or [_Row("removed", one)] for one in changed]

    def _present(self, calendar: Calendar, stored: Stored, token: _Token) -> Group:
        found = self._store.within(calendar, stored, token.low, token.high)
        if not stored.is_series:
            return [_Row("full", stored)] if found else []
        rows = [_Row("full" if day in stored.exceptions else "sparse", stored, day) for day in found]
        if not rows:
            return []
        away: Sequence[date] = sorted(set(stored.exceptions) - set(found))
        rows += [_Row("removed", stored, day) for day in away if token.version]
        return [_Row("full", stored), *rows] if self.masters else rows  # fact: delta.masters

    def _shown(self, row: _Row, token: _Token, view: View) -> Json:
        if row.kind == "removed":  # fact: delta.removed
            event_id = row.stored.id(view.immutable, row.day)
            return {"@odata.type": "#microsoft.graph.event", "id": event_id, "@removed": {"reason": "deleted"}}
        if row.kind == "sparse" and row.day is not None:
            return self._shapes.sparse(row.stored, row.day, view)
        return self._shapes.event(self._store.calendars[token.calendar_id], row.stored, row.day, view, typed=True)
