"""Reading at Google: sync tokens, pages, series in whole objects, and what Google says of an event."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from slotlink.connectors import google_reading
from slotlink.connectors.google import GoogleConnector
from slotlink.engine import Period
from slotlink.errors import CalendarGone, ConnectorError, ProviderUnavailable
from slotlink.ical import expand
from tests.contract.connector_events import DAY, HOUR, MARCH, START, ZONE, by_uid, event, uids
from tests.contract.google_contract import CALENDAR, GoogleAccount, Losing, Owner, starts
from tests.doubles.google import GoogleDouble
from tests.doubles.google_world import ANN, BEN

NINE, TEN = datetime(2027, 3, 4, 9, tzinfo=UTC), datetime(2027, 3, 4, 10, tzinfo=UTC)


class TestReading(GoogleAccount):
    async def test_a_forgotten_token_means_a_whole_read(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        await person.plant(event("one"))
        cursor = (await connector.changes(CALENDAR, None)).cursor
        google.tokens.forget()
        changes = await connector.changes(CALENDAR, cursor)
        assert changes.whole and list(by_uid(changes)) == ["one"]

    async def test_pages_short_and_empty(self, google: GoogleDouble, connector: GoogleConnector, person: Owner) -> None:
        cursor = (await connector.changes(CALENDAR, None)).cursor
        for number in range(5):
            await person.plant(event(f"e{number}"))
        google.tokens.page_limit, google.tokens.empty_pages = 2, 2
        assert len((await connector.changes(CALENDAR, None)).changed) == 5
        google.tokens.empty_pages = 1
        changes = await connector.changes(CALENDAR, cursor)
        assert len(changes.changed) == 5 and not changes.whole
        assert len(uids((await connector.read_live([CALENDAR], MARCH))[CALENDAR])) == 5

    async def test_a_token_that_ends_between_two_pages(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        cursor = (await connector.changes(CALENDAR, None)).cursor
        for number in range(3):
            await person.plant(event(f"e{number}"))
        google.tokens.page_limit = 2
        google.fail("fullSyncRequired", skip=1)
        changes = await connector.changes(CALENDAR, cursor)
        assert changes.whole and len(changes.changed) == 3

    async def test_a_page_that_is_refused_is_no_calendar(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        for number in range(3):
            await person.plant(event(f"e{number}"))
        google.tokens.page_limit = 2
        google.faults.answer(400, {"error": {"errors": [{"reason": "invalid"}]}}, skip=1)
        with pytest.raises(ProviderUnavailable):
            await connector.changes(CALENDAR, None)

    @pytest.mark.parametrize("opaque", [False, True], ids=["known ids", "opaque ids"])
    @pytest.mark.parametrize("sparse", [False, True], ids=["stubs", "sparse stubs"])
    async def test_a_series_is_always_whole(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner, opaque: bool, sparse: bool
    ) -> None:
        google.store.opaque_instance_ids, google.listing.sparse_instances = opaque, sparse
        ann = person.person
        await person.plant(event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=5"]))
        await person.plant(event("other"))
        series = person.id_of("weekly")
        with google.lock:
            stored = google.store.calendars[CALENDAR]
            instances = [one.id for one in google.store.instances(stored, stored.events[series or ""])]
        first = await connector.changes(CALENDAR, None)

        ann.moves(instances[1], START + 8 * DAY, START + 8 * DAY + HOUR, CALENDAR)
        moved = await connector.changes(CALENDAR, first.cursor)
        [found] = moved.changed
        assert found.remote_key == series and found.version != by_uid(first)["weekly"].version
        week = 7 * DAY
        expected = [START, START + 8 * DAY, START + 2 * week, START + 3 * week, START + 4 * week]
        assert starts(found.ical) == expected and moved.removed == ()

        ann.deletes(instances[2], CALENDAR)
        deleted = await connector.changes(CALENDAR, moved.cursor)
        [found] = deleted.changed
        del expected[2]
        assert (found.remote_key, starts(found.ical), deleted.removed) == (series, expected, ())
        assert by_uid(await connector.changes(CALENDAR, None))["weekly"] == found
        at = Period(START + 8 * DAY, START + 8 * DAY + HOUR)
        assert (await connector.read_live([CALENDAR], at))[CALENDAR] == [found], "moved there, and whole"
        for free in (START + week, START + 2 * week):
            assert (await connector.read_live([CALENDAR], Period(free, free + HOUR)))[CALENDAR] == []

        ann.changes(series or "", CALENDAR, summary="Renamed")
        renamed = await connector.changes(CALENDAR, deleted.cursor)
        [found] = renamed.changed
        assert starts(found.ical) == expected

        ann.deletes(series or "", CALENDAR)
        gone = await connector.changes(CALENDAR, renamed.cursor)
        assert gone.changed == () and series in gone.removed and not gone.whole

    async def test_an_instance_that_has_vanished(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        """Deleted events disappear after a time; the stub may still be told."""
        await person.plant(event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=3"]))
        cursor = (await connector.changes(CALENDAR, None)).cursor
        series = person.id_of("weekly")
        person.person.deletes(f"{series}_20270311T090000Z", CALENDAR)
        google.fail("notFound", method="GET", path=f"{series}_")
        changes = await connector.changes(CALENDAR, cursor)
        assert [starts(each.ical) for each in changes.changed] == [[START, START + 14 * DAY]]
        google.fail("notFound", method="GET", path=f"/{series}", times=2)
        gone = await connector.changes(CALENDAR, cursor)
        assert (gone.changed, gone.removed) == ((), (series,))

    async def test_one_instance_of_somebody_elses_series(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        """Who is invited to one meeting of a series has that and not the series."""
        cursor = (await connector.changes(CALENDAR, None)).cursor
        with google.lock:
            original = {"dateTime": "2027-03-04T09:00:00Z"}
            times = {"start": original, "end": {"dateTime": "2027-03-04T10:00:00Z"}, "originalStartTime": original}
            calendar = google.store.calendars[CALENDAR]
            made = person.insert(summary="Invited", **{side: times[side] for side in ("start", "end")})
            google.store.keep(calendar, {**made, **times, "recurringEventId": "theirseries"})
        for changes in (await connector.changes(CALENDAR, cursor), await connector.changes(CALENDAR, None)):
            [found] = changes.changed
            assert (found.remote_key, starts(found.ical)) == ("theirseries", [START])
        live = (await connector.read_live([CALENDAR], MARCH))[CALENDAR]
        assert live == [found]
        person.person.deletes(made["id"], CALENDAR)
        assert (await connector.changes(CALENDAR, changes.cursor)).removed == ("theirseries",)

    async def test_many_deletions_mean_a_whole_read(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(google_reading, "MOST_LOOKUPS", 3)
        for number in range(5):
            await person.plant(event(f"e{number}"))
        cursor = (await connector.changes(CALENDAR, None)).cursor
        for number in range(4):
            await person.remove(f"e{number}")
        before = len(google.calls)
        changes = await connector.changes(CALENDAR, cursor)
        assert changes.whole and list(by_uid(changes)) == ["e4"]
        assert len(google.calls) - before == 2

    async def test_a_series_keeps_to_its_wall_clock(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        berlin = datetime(2027, 3, 21, 9, tzinfo=UTC)
        google.person(ANN).repeats(berlin, berlin.replace(hour=10), ZONE, "RRULE:FREQ=WEEKLY;COUNT=3")
        [found] = (await connector.changes(ANN, None)).changed
        week = 7 * DAY
        first = int(berlin.timestamp())
        assert starts(found.ical) == [first, first + week - HOUR, first + 2 * week - HOUR]

    async def test_no_more_than_four_at_once(self, connector: GoogleConnector, person: Owner, losing: Losing) -> None:
        for number in range(9):
            await person.plant(event(f"s{number}", extra=["RRULE:FREQ=DAILY;COUNT=3"]))
        live = await connector.read_live([CALENDAR, *(f"missing{number}" for number in range(5))], MARCH)
        assert len(uids(live[CALENDAR])) == 9 and losing.most_at_once == 4
        assert [type(each) for each in live.values()][1:] == [CalendarGone] * 5

    async def test_an_unreadable_part_of_a_series(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        """The list has an instance and the series cannot be had: never free."""
        await person.plant(event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=5"]))
        at = Period(START + 7 * DAY, START + 7 * DAY + HOUR)
        google.fail("backendError", skip=1)
        assert isinstance((await connector.read_live([CALENDAR], at))[CALENDAR], ConnectorError)
        google.faults.answer(200, {"kind": "calendar#events", "items": []}, skip=1)
        live = (await connector.read_live([CALENDAR], at))[CALENDAR]
        assert not isinstance(live, ConnectorError)
        assert [starts(each.ical) for each in live] == [[START + 7 * DAY]]

        cursor = (await connector.changes(CALENDAR, None)).cursor
        await person.plant(event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=6"]))
        google.faults.answer(200, {"kind": "calendar#events", "items": []}, skip=1)
        with pytest.raises(ProviderUnavailable):
            await connector.changes(CALENDAR, cursor)
        assert len((await connector.changes(CALENDAR, cursor)).changed) == 1

    async def test_what_blocks_is_told(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        ann, ben = google.person(ANN), google.person(BEN)
        invited = ben.creates(NINE, TEN, attendees=[{"email": ANN}, {"email": BEN}], summary="Ben's")
        ann.creates(NINE, TEN, summary="office", eventType="workingLocation")
        ann.creates(NINE, TEN, summary="away", eventType="outOfOffice")
        ann.creates(NINE, TEN, summary="focus", eventType="focusTime")
        ann.creates(NINE, TEN, summary="free", transparency="transparent")
        ann.creates(date(2027, 3, 4), date(2027, 3, 6), summary="holiday", visibility="private", status="tentative")

        async def told() -> dict[str, Any]:
            changes = await connector.changes(ANN, None)
            found = [expand(each.ical, ZONE, MARCH.start, MARCH.end)[0] for each in changes.changed]
            return {each.summary: each for each in found}

        found = await told()
        assert found["Ben's"].answers[ANN] == ["NEEDS-ACTION"]
        for answer, partstat in (("declined", "DECLINED"), ("tentative", "TENTATIVE"), ("accepted", "ACCEPTED")):
            ann.answers(invited["id"], answer)
            assert (await told())["Ben's"].answers[ANN] == [partstat]
        free = {name: each.transparency == "transparent" for name, each in found.items()}
        assert free == {"Ben's": False, "office": True, "away": False, "focus": False, "free": True, "holiday": False}
        assert [name for name, each in found.items() if each.busy_status == "OOF"] == ["away"]
        holiday = found["holiday"]
        assert (holiday.private, holiday.status, holiday.end_date) == (True, "tentative", date(2027, 3, 6))

    async def test_who_may_see_only_times_sees_those(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        ben = google.person(BEN)
        ben.creates(NINE, TEN, summary="Doctor")
        ben.shares("primary", ANN, "freeBusyReader")
        [found] = (await connector.changes(BEN, None)).changed
        assert starts(found.ical) == [START] and "Doctor" not in found.ical
