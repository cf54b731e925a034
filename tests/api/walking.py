"""A visitor who goes through all days of a link's page, by the links that the page itself has."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from tests.api.offering import Days, instant
from tests.center import CreatedLink, ReadPage

Month = tuple[int, int]


class DayPage(ReadPage):
    """What a page shows of its days: the chosen one, and links to others by the part of the page they stand in."""

    def __init__(self, answer: Any) -> None:
        self._date: str | None = None
        self.month: Month = (0, 0)  # of the table
        self.near: dict[str, str] = {}  # address: accessible name
        self.cells: dict[str, str] = {}
        self.steps: dict[str, str] = {}  # "earlier", "later": address
        self.more: str | None = None
        self._section = ""
        super().__init__(answer)

    def feed(self, data: str) -> None:
        """Without the list of all zones, which is most of the page and most of the time that reading takes."""
        super().feed(re.sub("<option .*?</option>", "", data))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        given = dict(attrs)
        style = given.get("class") or ""
        if tag == "section":
            self._section = style
        elif tag == "form" and given.get("data-date"):
            self._date = given["data-date"]
        elif tag == "table":
            self.month = month_of(given["data-month"])
        elif tag == "a" and self._section in ("days", "month"):
            address, name = str(given["href"]), given.get("aria-label") or ""
            if "step" in style:
                self.steps[style.removeprefix("step ")] = address
            elif style == "more":
                self.more = address
            else:
                (self.near if self._section == "days" else self.cells)[address] = name

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._section = ""

    @property
    def date(self) -> datetime.date:
        """The chosen day."""
        assert self._date is not None, "the page shows no day"
        return datetime.date.fromisoformat(self._date)

    @property
    def view_form(self) -> dict[str, str]:
        """The form that changes the zone, as it would be sent unchanged but for the zone."""
        form = next(form for form in self.forms if form.method == "get")
        return {name: value for name, value in form.controls if name not in ("tzid", "hours", "")}


def month_of(text: str | None) -> Month:
    year, month = str(text).split("-")
    return int(year), int(month)


def asked(address: str) -> tuple[datetime.date | None, Month | None]:
    query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    date = datetime.date.fromisoformat(query["date"]) if "date" in query else None
    return date, month_of(query["month"]) if "month" in query else None


@dataclass
class Walk:
    """A visitor who follows every link to a day or month, and what they see against what they should.

    phone  the five days and "More dates" are in sight besides the month
    """

    link: CreatedLink
    zone: ZoneInfo
    days: Days
    phone: bool
    shown: Days = field(default_factory=dict[datetime.date, list[int]])
    pages: dict[datetime.date, tuple[str, DayPage]] = field(default_factory=dict[datetime.date, tuple[str, DayPage]])

    def go(self, start: str) -> None:
        seen, ahead = {start}, [start]
        while ahead:
            address = ahead.pop()
            page = DayPage(self.link.center.http.get(address))
            self.check(address, page)
            links = [*page.cells, *page.steps.values()]
            if self.phone:
                links += [*page.near, *([page.more] if page.more else [])]
            # A day is the same day with and without its month in view.
            ahead += [link for link in links if link not in seen]
            seen |= set(links)

    def check(self, address: str, page: DayPage) -> None:
        assert (page.code, page.status, page.error) == (200, "open", None), address
        assert parse_qs(urlsplit(address).query)["tzid"] == [self.zone.key], "links keep the zone"
        date, month = asked(address)
        assert page.date == self.nearest(date, month), address
        slots = [instant(slot) for slot in page.slots]
        assert {datetime.datetime.fromtimestamp(slot, self.zone).date() for slot in slots} == {page.date}, address
        assert self.shown.setdefault(page.date, slots) == slots, address
        self.pages[page.date] = address, page
        in_table = month or (page.date.year, page.date.month)
        assert page.month == in_table, address
        for link, name in [*page.near.items(), *page.cells.items()]:
            day, _ = asked(link)
            assert day is not None and day in self.days, f"{address} leads to {link}"
            assert re.findall(r"(\d+) times?\b", name) == [str(len(self.days[day]))], name
        of_month = [(day, in_table) for day in self.days if month_in(day) == in_table]
        assert [asked(link) for link in page.cells] == of_month, "a day keeps the month in view"
        assert page.date in {asked(link)[0] for link in page.near}
        first, last = month_in(min(self.days)), month_in(max(self.days))
        beside = {"earlier": months_after(in_table, -1), "later": months_after(in_table, 1)}
        expected = {name: other for name, other in beside.items() if first <= other <= last}
        assert {name: asked(link)[1] for name, link in page.steps.items()} == expected, address

    def nearest(self, date: datetime.date | None, month: Month | None) -> datetime.date:
        """Of the days with times the one asked for, or the first of the month, or the nearest; the earlier of two."""
        if date is None and month is None:
            return min(self.days)
        wanted = date or min((day for day in self.days if month_in(day) == month), default=datetime.date(*month, 1))  # type: ignore[misc]
        return min(self.days, key=lambda day: (abs((day - wanted).days), day))


def month_in(date: datetime.date) -> Month:
    return date.year, date.month


def months_after(month: Month, steps: int) -> Month:
    number = month[0] * 12 + month[1] - 1 + steps
    return number // 12, number % 12 + 1
