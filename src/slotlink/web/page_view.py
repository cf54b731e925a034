"""What a page shows, as plain mappings of texts and addresses for the templates.

The names of days and times are made here and not in the templates, because a page has hundreds of them.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from slotlink.web.dates import (
    Hours,
    date_text,
    duration_text,
    hours_of,
    number_text,
    people_text,
    time_text,
    week_start,
    weekday_names,
)
from slotlink.web.day_texts import DayText, SlotText
from slotlink.web.day_view import Day, PartOfDay, clock_change, local, month_after, parts_of_day, shown_month, weeks_of
from slotlink.web.invitation import Choice, Invitation, Notice
from slotlink.web.languages import offered_languages, own_name, page_locale
from slotlink.web.words import words_of
from slotlink.web.zones import UTC_NAMES, ZoneText, zone_text

LONG_DESCRIPTION = 240
"""Characters beyond which a description is folded."""

LONGEST_UNIT = 7
"""Characters of the word behind a count under a day; a longer one is left out (design.md section 3)."""


class PageView:
    """One visitor's eyes on one link: their zone, locale and hour format, turned into texts and addresses."""

    def __init__(self, invitation: Invitation, choice: Choice, *, now: int | None = None) -> None:
        self.invitation = invitation
        self.choice = choice
        self.locale = page_locale(choice.locale)
        self.words = words_of(self.locale)
        self.zone = ZoneInfo(choice.tzid)
        self.hours: Hours = choice.hours or hours_of(self.locale)
        self.today = self.date(now) if now is not None else None
        self._lasting = [("tzid", choice.tzid)]
        if choice.hours is not None:
            self._lasting.append(("hours", str(choice.hours)))
        if choice.keep_locale:
            self._lasting.append(("locale", choice.locale))
        self._lasting_query = urlencode(self._lasting)

    def common(self) -> dict[str, Any]:
        invitation, locale = self.invitation, self.locale
        description = (invitation.description or "").strip()
        return {
            "invitation": invitation,
            "choice": self.choice,
            "language_name": own_name(locale),
            "hours": self.hours,
            "description": description,
            "description_folded": len(description) > LONG_DESCRIPTION,
            "duration": duration_text(invitation.duration_s, locale),
            "people_sentence": people_text(invitation.people, "standard", locale),
            "people_list": people_text(invitation.people, "unit", locale),
            "initial": next(
                (character.upper() for character in invitation.application_name if character.isalnum()), ""
            ),
        }

    def address(self, *, date: datetime.date | None = None, month: tuple[int, int] | None = None) -> str:
        """Of the link's page, with this day or month in view."""
        shown = "".join(f"{name}={value}&" for name, value in _shown(date, month))
        return f"{self.invitation.path}?{shown}{self._lasting_query}"

    def languages(
        self, *, date: datetime.date | None = None, month: tuple[int, int] | None = None
    ) -> list[tuple[str, str, str]]:
        """Tag, own name and address of the same page in each language that a visitor may choose."""
        lasting = [pair for pair in self._lasting if pair[0] != "locale"]
        before = f"{self.invitation.path}?{urlencode([*_shown(date, month), *lasting])}"
        return [(tag, name, f"{before}&locale={tag}") for tag, name in offered_languages()]

    def controls(
        self, form_token: str, *, date: datetime.date | None = None, month: tuple[int, int] | None = None
    ) -> list[tuple[str, str]]:
        """Hidden controls that every POST form of the page carries."""
        return [("form_token", form_token), *_shown(date, month), *self._lasting]

    def view_controls(self, date: datetime.date) -> list[tuple[str, str]]:
        """Hidden controls of the form whose visible controls are the zone and the hour format."""
        locale = [("locale", self.choice.locale)] if self.choice.keep_locale else []
        return [*_shown(date, self.choice.month), *locale]

    def date(self, moment: int) -> datetime.date:
        return local(moment, self.zone).date()

    def last_date(self, first: int, end: int) -> datetime.date:
        # A period that ends at midnight does not reach into the next day.
        return self.date(max(first, end - 1))

    def time(self, moment: int) -> str:
        return self._clock(local(moment, self.zone))

    def _clock(self, moment: datetime.datetime) -> str:
        return time_text(moment.hour * 60 + moment.minute, self.hours, self.locale)

    def zone_at(self, moment: int) -> ZoneText:
        return zone_text(self.choice.tzid, moment, self.locale)

    def zone_on(self, date: datetime.date, tzid: str | None = None) -> ZoneText:
        noon = int(datetime.datetime.combine(date, datetime.time(12), self.zone).timestamp())
        return zone_text(tzid or self.choice.tzid, noon, self.locale)

    def suggested_zones(self, date: datetime.date) -> list[ZoneText]:
        """The organiser's zone and UTC, unless the visitor already has them."""
        names = dict.fromkeys((self.choice.organiser_tzid, "Etc/UTC"))
        zones = [self.zone_on(date, tzid) for tzid in names if tzid != self.choice.tzid]
        return [zone for zone in zones if not (zone.is_utc and self.choice.tzid in UTC_NAMES)]

    def date_range(self, first: datetime.date, last: datetime.date, *, this_year: int) -> tuple[str, str]:
        """ "8" and "31 March", "8 March" and "2 April", with years where they are not this one. Equal for one day.

        Other languages than English repeat the month: a day alone may need a word or an ending of its own there."""
        style = "day" if first.year == last.year == this_year else "day_year"
        last_text = date_text(last, style, self.locale)
        day_first = self.locale.language == "en" and last_text.startswith(str(last.day))
        same_month = (first.year, first.month) == (last.year, last.month)
        if first != last and same_month and day_first:
            return date_text(first, "cell", self.locale), last_text
        return date_text(first, style, self.locale), last_text

    def day(self, day: Day, chosen: Day, *, month: tuple[int, int] | None = None) -> DayText:
        """A day with times. `month`: its link keeps the month in view."""
        date, count = day.date, len(day.slots)
        is_chosen, is_today = date == chosen.date, date == self.today
        free = number_text(count, self.locale)
        # translators: how many times are free on a day
        times = self.words.ngettext("%(num)s time", "%(num)s times", count) % {"num": free}
        if is_chosen and is_today:
            label = self.words.gettext("%(date)s, %(times)s, chosen, today")
        elif is_chosen:
            label = self.words.gettext("%(date)s, %(times)s, chosen")
        elif is_today:
            label = self.words.gettext("%(date)s, %(times)s, today")
        else:
            label = self.words.gettext("%(date)s, %(times)s")
        return DayText(
            number=date_text(date, "cell", self.locale),
            is_today=is_today,
            address=self.address(date=date, month=month),
            label=label % {"date": date_text(date, "full", self.locale), "times": times},
            date=date_text(date, "weekday", self.locale),
            short_date=date_text(date, "day", self.locale),
            short_weekday=date_text(date, "short_weekday", self.locale),
            short_day=date_text(date, "short_day", self.locale),
            free=free,
            times=times,
            unit=_unit(times, free),
            is_chosen=is_chosen,
            iso=date.isoformat(),
        )

    def month(self, days: Sequence[Day], chosen: Day, month: tuple[int, int]) -> dict[str, Any]:
        """The month table: weeks of cells, and the addresses of its neighbours inside the link's range."""
        with_times = {day.date: day for day in days}

        def cell(date: datetime.date | None) -> DayText:
            if date is None:
                return DayText()
            if date in with_times:
                return self.day(with_times[date], chosen, month=month)
            names = {"date": date_text(date, "full", self.locale)}
            is_today = date == self.today
            if is_today:
                label = self.words.gettext("%(date)s, no times, today") % names
            else:
                label = self.words.gettext("%(date)s, no times") % names
            return DayText(number=date_text(date, "cell", self.locale), is_today=is_today, label=label)

        def neighbour(steps: int) -> dict[str, str]:
            other = month_after(month, steps)
            text = date_text(datetime.date(*other, 1), "month", self.locale)
            inside = shown_month(days, chosen, other) == other
            return {"text": text, "address": self.address(month=other) if inside else ""}

        return {
            "text": date_text(datetime.date(*month, 1), "month", self.locale),
            "value": _month_value(month),
            "first": _month_value((days[0].date.year, days[0].date.month)),
            "last": _month_value((days[-1].date.year, days[-1].date.month)),
            "address": self.address(month=month),
            "weekdays": weekday_names(self.locale),
            "weeks": [[cell(date) for date in week] for week in weeks_of(month, week_start(self.locale))],
            "previous": neighbour(-1),
            "next": neighbour(+1),
        }

    def parts(self, day: Day) -> list[tuple[PartOfDay, list[SlotText]]]:
        marked = clock_change(day.date, self.zone) is not None
        return [
            (name, [self.slot(slot, marked=marked) for slot in slots])
            for name, slots in parts_of_day(day.slots, self.zone)
        ]

    def slot(self, slot: int, *, marked: bool = False) -> SlotText:
        """`marked`: the day has two offsets."""
        start, end = local(slot, self.zone), local(slot + self.invitation.duration_s, self.zone)
        time, zone, date = self._clock(start), "", date_text(start.date(), "weekday", self.locale)
        names = {"time": time, "end": self._clock(end), "date": date}
        if start.date() != end.date():
            label = self.words.gettext("%(time)s, %(date)s to %(end)s, %(end_date)s")
            names["end_date"] = date_text(end.date(), "weekday", self.locale)
        elif marked:
            label = self.words.gettext("%(time)s %(zone)s to %(end)s %(end_zone)s, %(date)s")
            names["zone"] = self.zone_at(slot).short
            names["end_zone"] = self.zone_at(slot + self.invitation.duration_s).short
        else:
            label = self.words.gettext("%(time)s to %(end)s, %(date)s")
        if marked:
            zone = self.zone_at(slot).short
        return SlotText(
            value=wire_time(slot),
            time=time,
            label=label % names,
            zone=zone,
            date=date,
            short_date=date_text(start.date(), "day", self.locale),
            short_weekday=date_text(start.date(), "short_weekday", self.locale),
            short_day=date_text(start.date(), "short_day", self.locale),
        )

    def clock_change(self, date: datetime.date) -> dict[str, Any] | None:
        change = clock_change(date, self.zone)
        if change is None:
            return None
        return {
            "forward": change.forward,
            "before": time_text(change.minute_before, self.hours, self.locale),
            "after": time_text(change.minute_after, self.hours, self.locale),
        }

    def when(self, start: int, end: int) -> dict[str, Any]:
        """The box with the chosen time; both dates if the meeting ends on another day, both zones if clocks change."""
        start_date, end_date = self.date(start), self.date(end)
        zones = self.zone_at(start), self.zone_at(end)
        marked = zones[0].offset != zones[1].offset
        return {
            "start": self.time(start),
            "end": self.time(end),
            "start_zone": zones[0].short if marked else "",
            "end_zone": zones[1].short if marked else "",
            "start_wire": wire_time(start),
            "end_wire": wire_time(end),
            "date": date_text(start_date, "full", self.locale),
            "end_date": date_text(end_date, "full", self.locale) if end_date != start_date else "",
            "zone": zones[0],
        }

    def notice(self, notice: Notice | None, nearest: Sequence[int]) -> dict[str, Any] | None:
        if notice is None:
            return None
        asked = notice.slot
        same_day = [slot for slot in nearest if asked is not None and self.date(slot) == self.date(asked)]
        return {
            "reason": notice.reason,
            "slot": self.slot(asked) if asked is not None else None,
            "nearest": [self.slot(slot) for slot in nearest],
            "all_same_day": len(same_day) == len(nearest),
            "some_same_day": bool(same_day),
            "comes_later": bool(nearest) and asked is not None and nearest[0] > asked,
        }


def _unit(times: str, number: str) -> str:
    """What follows the number in "8 times", with its space. Nothing where it does not fit under a day, or where the
    words hold no number: Arabic says "two times" in one word."""
    unit = times.removeprefix(number) if times.startswith(number) else ""
    return unit if len(unit.strip()) <= LONGEST_UNIT else ""


def wire_time(moment: int) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(date: datetime.date | None, month: tuple[int, int] | None) -> list[tuple[str, str]]:
    shown = [("date", date.isoformat())] if date else []
    return [*shown, ("month", _month_value(month))] if month else shown


def _month_value(month: tuple[int, int]) -> str:
    return f"{month[0]:04}-{month[1]:02}"
