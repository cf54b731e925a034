"""calendarList: the calendars that somebody has, with the right to each."""

from __future__ import annotations

from tests.doubles import google_errors as errors
from tests.doubles.google_errors import Json
from tests.doubles.google_store import ROLES, Entry, Person, Store
from tests.doubles.google_tokens import Tokens

Query = dict[str, str]


class CalendarList:
    """List and get."""

    def __init__(self, store: Store, tokens: Tokens) -> None:
        self._store = store
        self._tokens = tokens

    def list(self, user: str, query: Query) -> Json:
        person = self._store.people[user]
        list_id = f"{user}/calendarList"
        since = None
        if "syncToken" in query:
            if "minAccessRole" in query:  # fact: calendar-list.sync-refuses-min-role
                raise errors.invalid("The sync token cannot be combined with this parameter.", "minAccessRole")
            since = self._tokens.since(user, list_id, query)
        rows = [
            (("", calendar_id), self._entry(user, calendar_id, entry))
            for calendar_id, entry in sorted(person.entries.items())
            if self._is_listed(user, calendar_id, entry, query, since)
        ]
        page = self._tokens.page(list_id, query, rows, person.version, largest=250, usual=100)
        answer: Json = {"kind": "calendar#calendarList", "etag": _etag(person), "items": page.items}
        if page.next_token:
            return {**answer, "nextPageToken": page.next_token}
        return {**answer, "nextSyncToken": self._tokens.sync(user, list_id, page.upto, query)}

    def get(self, user: str, calendar_id: str) -> Json:
        calendar = self._store.calendar(user, calendar_id)
        return self._entry(user, calendar.id, self._store.people[user].entries[calendar.id])

    def _is_listed(self, user: str, calendar_id: str, entry: Entry, query: Query, since: int | None) -> bool:
        if since is not None:  # what was deleted or hidden since is always told
            return entry.version > since
        role = self._store.calendars[calendar_id].roles.get(user, "none")
        least = query.get("minAccessRole", "none")
        if least not in ROLES:
            raise errors.invalid(f"Invalid value for: minAccessRole: {least}", "minAccessRole")
        shown = not entry.hidden or query.get("showHidden") == "true"
        kept = not entry.deleted or query.get("showDeleted") == "true"
        return shown and kept and ROLES.index(role) >= ROLES.index(least)

    def _entry(self, user: str, calendar_id: str, entry: Entry) -> Json:
        calendar = self._store.calendars[calendar_id]
        found: Json = {
            "kind": "calendar#calendarListEntry",
            "etag": f'"1{entry.version:015}"',
            "id": calendar.id,
        }
        if entry.deleted:  # fact: calendar-list.deleted
            return {**found, "deleted": True}
        found |= {
            "summary": calendar.summary,
            "timeZone": calendar.zone,
            "accessRole": calendar.roles[user],
            "defaultReminders": [],
            "conferenceProperties": {"allowedConferenceSolutionTypes": ["hangoutsMeet"]},
        }
        # fact: calendar-list.flags
        if entry.selected:
            found["selected"] = True
        if entry.hidden:
            found["hidden"] = True
        if calendar.id == user:
            found["primary"] = True
        return found


def _etag(person: Person) -> str:
    return f'"p{person.version:016}"'
