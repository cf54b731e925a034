"""What Graph says of events and series, and what comes of it: by the double of Microsoft's calendar API."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from slotlink.connectors.base import Changes, RemoteObject
from slotlink.connectors.graph import MARGIN_S, GraphConnector
from slotlink.engine import Period
from slotlink.errors import CalendarGone, ConnectorError
from slotlink.ical import Occurrence, expand
from tests.contract.connector_events import DAY, HOUR, MARCH, START, ZONE, event, uids
from tests.contract.graph_contract import DECLINED, Ann, GraphFixtures, Losing
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_world import ANN, BEN

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = date(2027, 3, 5)
FRIDAYS = {"type": "weekly", "daysOfWeek": ["friday"]}
WEST = "W. Europe Standard Time"
YEAR = (MARCH.start, MARCH.end + 400 * DAY)


class TestSeries(GraphFixtures):
    @pytest.mark.parametrize("masters", [True, False], ids=["with masters", "without masters"])
    async def test_exceptions_and_deleted_occurrences(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, masters: bool
    ) -> None:
        graph.deltas.masters = masters
        ann = graph.person(ANN)
        series = person.series("fridays", FRIDAY, FRIDAYS, WEST, showAs="oof")
        first = await connector.changes(calendar, None)
        assert _starts(first)[:5] == [_berlin(3, day) for day in (5, 12, 19, 26)] + [_berlin(4, 2)]
        assert len(_starts(first)) == 57, "as far as the window reaches"

        ann.deletes(ann.occurrence(series, date(2027, 3, 12)))
        ann.changes(ann.occurrence(series, date(2027, 3, 19)), showAs="free", subject="Off")
        at = datetime(2027, 3, 27, 15, tzinfo=BERLIN)
        ann.moves(ann.occurrence(series, date(2027, 3, 26)), at, at + timedelta(hours=2))
        changes = await connector.changes(calendar, first.cursor)
        [found] = changes.changed
        assert (found.remote_key, not changes.whole) == (first.changed[0].remote_key, True)
        assert found.version != first.changed[0].version
        seen = expand(found.ical, ZONE, *YEAR)
        assert [(each.start, each.busy_status, each.summary) for each in seen[:4]] == [
            (_berlin(3, 5), "OOF", "Every week"),
            (_berlin(3, 19), "FREE", "Off"),
            (int(at.timestamp()), "OOF", "Every week"),
            (_berlin(4, 2), "OOF", "Every week"),
        ]
        assert (seen[2].end, seen[2].recurrence_id) == (int(at.timestamp()) + 2 * HOUR, _berlin(3, 26))
        again = await connector.changes(calendar, None)
        assert again.changed == changes.changed

    async def test_a_series_whose_every_occurrence_is_another(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        ann = graph.person(ANN)
        two = {"type": "numbered", "numberOfOccurrences": 2}
        series = person.series("two", FRIDAY, FRIDAYS, WEST, range=two)
        for day in (FRIDAY, date(2027, 3, 12)):
            ann.changes(ann.occurrence(series, day), showAs="tentative")
        [found] = (await connector.changes(calendar, None)).changed
        seen = expand(found.ical, ZONE, *YEAR)
        assert [(each.start, each.status) for each in seen] == [
            (_berlin(3, 5), "tentative"),
            (_berlin(3, 12), "tentative"),
        ]

    async def test_days_of_a_series_keep_their_days(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        times = {"start": _midnight(5), "end": _midnight(6)}
        series = person.series("days", FRIDAY, FRIDAYS, WEST, **times, isAllDay=True)
        ann = graph.person(ANN)
        ann.changes(ann.occurrence(series, date(2027, 3, 12)), start=_midnight(13), end=_midnight(15))
        [found] = (await connector.changes(calendar, None)).changed
        seen = expand(found.ical, ZONE, *YEAR)[:3]
        assert [(each.start_date, each.end_date) for each in seen] == [
            (date(2027, 3, 5), date(2027, 3, 6)),
            (date(2027, 3, 13), date(2027, 3, 15)),
            (date(2027, 3, 19), date(2027, 3, 20)),
        ]

    @pytest.mark.parametrize("zone", [WEST, "tzone://Microsoft/Custom"])
    async def test_every_zone_keeps_its_clock(
        self, connector: GraphConnector, calendar: str, person: Ann, zone: str
    ) -> None:
        """Also one of the owner's making: Graph says when, and we do not ask how it knows."""
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        person.sets("fridays", originalStartTimeZone=zone, originalEndTimeZone=zone)
        changes = await connector.changes(calendar, None)
        assert _starts(changes)[3:5] == [_berlin(3, 26), _berlin(4, 2)], "over the change of the clock"

    async def test_a_live_read_brings_the_series_whole(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        ann = graph.person(ANN)
        ann.deletes(ann.occurrence(person.the("fridays").id(False), date(2027, 3, 19)))
        known = (await connector.changes(calendar, None)).changed
        live = await _live(connector, calendar, Period(_berlin(3, 12), _berlin(3, 12) + HOUR))
        assert live == list(known)
        far = Period(_berlin(3, 12) + 7 * 100 * DAY, _berlin(3, 12) + 7 * 100 * DAY + HOUR)
        [beyond] = await _live(connector, calendar, far)
        starts = [each.start for each in expand(beyond.ical, ZONE, MARCH.start, far.end)]
        assert starts[:2] == [_berlin(3, 5), _berlin(3, 12)] and len(starts) == 101, "nothing of it is missing"

    async def test_a_live_read_of_many_series_and_pages(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, losing: Losing
    ) -> None:
        for number in range(12):
            person.series(f"s{number:02}", FRIDAY, FRIDAYS, WEST)
        live = await _live(connector, calendar, Period(_berlin(3, 12), _berlin(3, 12) + HOUR))
        assert uids(live) == [f"s{number:02}" for number in range(12)]
        assert not [call for call in graph.calls if call.status == 429] and losing.most_at_once == 4

    async def test_a_live_read_asks_for_no_series_beside_the_period(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        ends = Period(_berlin(3, 12) + HOUR, _berlin(3, 12) + 2 * HOUR)
        begins = Period(_berlin(3, 12) - HOUR, _berlin(3, 12))
        for beside in (ends, begins):
            assert await _live(connector, calendar, beside) == []
        assert not graph.called("GET", "/instances")
        assert uids(await _live(connector, calendar, Period(ends.start - 1, ends.end))) == ["fridays"]

    async def test_a_series_of_more_than_one_page(
        self,
        connector: GraphConnector,
        graph: GraphDouble,
        calendar: str,
        person: Ann,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("slotlink.connectors.graph_reading.INSTANCES", 250)
        person.series("daily", FRIDAY, {"type": "daily"}, WEST)
        assert len(_starts(await connector.changes(calendar, None))) == 399
        assert len(graph.called("GET", "/instances")) == 2

    @pytest.mark.parametrize(
        "when", ["/events/[^/]+$", "/instances"], ids=["before the series", "before its instances"]
    )
    async def test_a_series_that_is_deleted_while_it_is_read(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, when: str
    ) -> None:
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        first = await connector.changes(calendar, None)
        person.sets("fridays", subject="Another")
        graph.fail("ErrorItemNotFound", path=when)
        changes = await connector.changes(calendar, first.cursor)
        assert (changes.changed, changes.removed) == ((), (first.changed[0].remote_key,))

    @pytest.mark.parametrize("when", ["/events/[^/]+$", "/instances"], ids=["the series", "its instances"])
    async def test_a_series_that_may_not_be_read_is_not_gone(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, when: str
    ) -> None:
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        graph.fail("ErrorAccessDenied", path=when)
        with pytest.raises(CalendarGone):
            await connector.changes(calendar, None)

    @pytest.mark.parametrize(
        "when", ["/events/[^/]+$", "/instances"], ids=["before the series", "before its instances"]
    )
    async def test_a_calendar_that_is_deleted_while_it_is_read(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, when: str
    ) -> None:
        """Its events are not gone one by one: nobody can tell when its owner is busy."""
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        graph.fail("ErrorItemNotFound", path=when, times=9)
        graph.fail("ErrorItemNotFound", path=f"calendars/{calendar}$", times=9)
        with pytest.raises(CalendarGone):
            await connector.changes(calendar, None)
        live = await connector.read_live([calendar], MARCH)
        assert isinstance(live[calendar], CalendarGone)


class TestMeaning(GraphFixtures):
    @pytest.mark.parametrize(
        ("show_as", "busy_status", "transparency", "status"),
        [
            ("free", "FREE", "transparent", "confirmed"),
            ("tentative", "TENTATIVE", "opaque", "tentative"),
            ("busy", "BUSY", "opaque", "confirmed"),
            ("oof", "OOF", "opaque", "confirmed"),
            ("workingElsewhere", "WORKINGELSEWHERE", "opaque", "confirmed"),
            ("unknown", "BUSY", "opaque", "confirmed"),
        ],
    )
    async def test_show_as(
        self,
        connector: GraphConnector,
        calendar: str,
        person: Ann,
        show_as: str,
        busy_status: str,
        transparency: str,
        status: str,
    ) -> None:
        await person.plant(event("one"))
        person.sets("one", showAs=show_as, sensitivity="private")
        one = await _only(connector, calendar)
        assert (one.busy_status, one.transparency, one.status) == (busy_status, transparency, status)
        assert one.private

    @pytest.mark.parametrize(
        ("response", "answers"),
        [
            ("declined", ["DECLINED"]),
            ("tentativelyAccepted", ["TENTATIVE"]),
            ("accepted", ["ACCEPTED"]),
            ("notResponded", ["NEEDS-ACTION"]),
            ("organizer", []),
            ("none", []),
        ],
    )
    async def test_the_owners_own_answer(
        self, connector: GraphConnector, calendar: str, person: Ann, response: str, answers: list[str]
    ) -> None:
        """The list of attendees has an old one, as guests' copies do, and somebody else's."""
        stale = [_attendee("Ann@Example.com", "none"), _attendee("carl@example.org", "accepted")]
        await person.plant(event("one"))
        person.sets("one", responseStatus={**DECLINED, "response": response}, attendees=stale)
        one = await _only(connector, calendar)
        assert (one.answers.get(ANN, []), one.answers["carl@example.org"]) == (answers, ["ACCEPTED"])

    async def test_a_meeting_that_its_organizer_cancelled(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        await person.plant(event("one"))
        first = await connector.changes(calendar, None)
        graph.person(ANN).hears_of_cancellation(person.the("one").id(False))
        [found] = (await connector.changes(calendar, first.cursor)).changed
        assert "STATUS:CANCELLED" in found.ical and expand(found.ical, ZONE, *YEAR) == []

    async def test_all_day_events_are_days_in_every_zone(
        self, connector: GraphConnector, calendar: str, person: Ann
    ) -> None:
        """A live read for the first hour in Auckland finds them, whose day begins 12 hours before Berlin's."""
        await person.plant(event("one").replace("DTSTART:20270304T090000Z", "DTSTART;VALUE=DATE:20270304"))
        begin = int(datetime(2027, 3, 4, tzinfo=ZoneInfo("Pacific/Auckland")).timestamp())
        [found] = await _live(connector, calendar, Period(begin, begin + HOUR))
        [one] = expand(found.ical, "Pacific/Auckland", *YEAR)
        assert (one.start_date, one.end_date, one.start) == (date(2027, 3, 4), date(2027, 3, 5), begin)
        assert await _live(connector, calendar, Period(begin - MARGIN_S - DAY, begin - MARGIN_S)) == []

    async def test_private_events_of_others_have_times_only(
        self, connector: GraphConnector, graph: GraphDouble
    ) -> None:
        ben = graph.person(BEN)
        shared = ben.makes_calendar("Ben")
        ben.creates(START, START + HOUR, shared, subject="Doctor", sensitivity="private")
        ben.shares(shared, ANN)
        one = await _only(connector, shared)
        assert (one.start, one.summary, one.private) == (START, "Private Appointment", True)
        ben.unshares(shared, ANN)
        with pytest.raises(CalendarGone):
            await connector.changes(shared, None)


def _starts(changes: Changes) -> list[int]:
    [found] = changes.changed
    return [each.start for each in expand(found.ical, ZONE, *YEAR)]


def _berlin(month: int, day: int) -> int:
    return int(datetime(2027, month, day, 10, tzinfo=BERLIN).timestamp())


def _midnight(day: int) -> dict[str, str]:
    return {"dateTime": f"2027-03-{day:02}T00:00:00", "timeZone": WEST}


def _attendee(address: str, response: str) -> dict[str, Any]:
    return {"emailAddress": {"name": 'A "B": C', "address": address}, "status": {"response": response}}


async def _live(connector: GraphConnector, calendar: str, within: Period) -> list[RemoteObject]:
    found = (await connector.read_live([calendar], within))[calendar]
    assert not isinstance(found, ConnectorError), found
    return list(found)


async def _only(connector: GraphConnector, calendar: str) -> Occurrence:
    [found] = (await connector.changes(calendar, None)).changed
    [one] = expand(found.ical, ZONE, *YEAR)
    return one
