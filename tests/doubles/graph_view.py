"""calendarView and the list of events: windows, filters and pages."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import quote, urlencode

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_shapes import Shapes, View, same_property
from tests.doubles.graph_store import Calendar, Store, Stored
from tests.doubles.graph_times import parameter

Query = dict[str, str]
LONGEST_DAYS = 1825  # fact: view.longest
USUAL, MOST = 10, 1000  # fact: view.top
BY_PROPERTY = re.compile(
    r"singleValueExtendedProperties/any\((\w+):\s*\1/id eq '([^']*)' and "
    r"(?:(contains|startswith)\(\1/value,\s*'((?:[^']|'')*)'\)|\1/value (eq|ne) '((?:[^']|'')*)')\)",
    re.IGNORECASE,
)


class Listing:
    """`expands`: calendarView obeys $expand of an extended property; one report doubts it."""

    def __init__(self, store: Store, shapes: Shapes) -> None:
        self._store = store
        self._shapes = shapes
        self.expands = True

    def view(self, calendar: Calendar, view: View, query: Query, path: str) -> Json:
        """Occurrences, exceptions and single events in a window; never a series itself."""  # fact: view.expanded
        low, high = window(query)
        if "singlevalueextendedproperties/" in query.get("$filter", "").lower():  # fact: property.view-500
            raise errors.internal()
        if not self.expands:  # fact: property.expand-in-view
            view.property_id = None
        rows: list[tuple[Stored, date | None]] = []
        for stored in calendar.events.values():
            rows += [(stored, day) for day in self._store.within(calendar, stored, low, high)]
        rows = _filtered(rows, query)
        # fact: view.order
        rows.sort(key=lambda row: self._store.span(calendar, row[0].on(row[1]))[0])
        shown = [self._shapes.event(calendar, stored, day, view) for stored, day in rows]
        return _page(shown, view, query, path)

    def events(self, calendars: list[Calendar], view: View, query: Query, path: str) -> Json:
        """Single events and series, without any window."""  # fact: events.masters
        found: list[Json] = []
        by_property, rest = _property_filter(query.get("$filter", ""))
        for calendar in calendars:
            stored = [one for one in calendar.events.values() if by_property is None or _matches(one, by_property)]
            rows = _filtered([(one, None) for one in stored], {"$filter": rest} if rest else {})
            found += [self._shapes.event(calendar, one, None, view) for one, _ in rows]
        return _page(found, view, query, path)

    def instances(self, calendar: Calendar, stored: Stored, view: View, query: Query, path: str) -> Json:
        low, high = window(query)
        found = self._store.within(calendar, stored, low, high)
        return _page([self._shapes.event(calendar, stored, day, view) for day in found], view, query, path)

    def calendars(self, user: str, view: View, query: Query, path: str) -> Json:
        return _page([self._shapes.calendar(one, user) for one in self._store.of(user)], view, query, path)


def window(query: Query) -> tuple[float, float]:
    """UTC seconds. The parameters' names are compared without case."""
    by_name = {name.lower(): value for name, value in query.items()}
    if "startdatetime" not in by_name or "enddatetime" not in by_name:
        raise errors.no_window()
    low, high = parameter(by_name["startdatetime"]), parameter(by_name["enddatetime"])
    if high < low:
        raise errors.invalid("The start of the time window must be before its end.", "ErrorInvalidParameter")
    if high - low > LONGEST_DAYS * 86400:
        message = "Your request can't be completed. The range between the start and end dates is greater than the"
        raise errors.invalid(f"{message} allowed range. Maximum number of days: {LONGEST_DAYS}")
    return low, high


def _page(rows: list[Json], view: View, query: Query, path: str) -> Json:
    """One page, and where the next one is."""  # fact: list.next-link
    top = query.get("$top", "")
    if top and not (top.isdigit() and 1 <= int(top) <= MOST):
        message = f"Invalid value '{top}' for $top query option found. The $top query option must be between 1 and"
        raise errors.bad_request(f"{message} {MOST}.")
    skip = int(query.get("$skip", "0")) if query.get("$skip", "0").isdigit() else 0
    size = int(top) if top else view.page_size or USUAL
    answer: Json = {"value": rows[skip : skip + size]}
    if query.get("$count") == "true":
        answer["@odata.count"] = len(rows)
    if skip + size < len(rows):
        following = urlencode({**query, "$skip": str(skip + size)}, safe="$:", quote_via=quote)
        answer["@odata.nextLink"] = f"{path}?{following}"
    return answer


def _property_filter(text: str) -> tuple[re.Match[str] | None, str]:
    found = BY_PROPERTY.fullmatch(text.strip())
    return found, "" if found else text


def _matches(stored: Stored, wanted: re.Match[str]) -> bool:
    """Values are compared without case."""  # fact: property.filter
    name, contains, part, operator, whole = wanted[2], wanted[3], wanted[4], wanted[5], wanted[6]
    properties: list[Json] = stored.event.get("singleValueExtendedProperties", [])
    for one in properties:
        if not same_property(one["id"], name):
            continue
        value = str(one["value"]).lower()
        if contains:
            text = part.replace("''", "'").lower()
            return text in value if contains.lower() == "contains" else value.startswith(text)
        return (value == whole.replace("''", "'").lower()) == (operator.lower() == "eq")
    return False


def _filtered(rows: list[tuple[Stored, date | None]], query: Query) -> list[tuple[Stored, date | None]]:
    """`member eq value` only; the double says so when it is asked for more."""
    text = query.get("$filter", "")
    if not text:
        return rows
    simple = re.fullmatch(r"(\w+) eq (?:'([^']*)'|(true|false))", text.strip())
    if simple is None:
        raise errors.bad_request(f"The double does not know this filter: {text}")
    wanted = simple[2] if simple[3] is None else simple[3] == "true"
    return [(stored, day) for stored, day in rows if stored.on(day).get(simple[1]) == wanted]
