"""How the Graph connector writes where repeats, copies, guests and Teams meetings are in the way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from slotlink.connectors.base import EventWrite
from slotlink.connectors.graph import GraphConnector
from slotlink.errors import CalendarGone, ChangedElsewhere, NotAccepted, ProviderUnavailable
from tests.contract.connector_events import DAY, KEY, START, event, meaning, our_event, uids
from tests.contract.graph_contract import GUESTS, UID, Ann, GraphFixtures, Losing, meeting
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_store import Stored
from tests.doubles.graph_world import ANN, BEN


class TestRepeats(GraphFixtures):
    async def test_what_stands_in_graph(self, connector: GraphConnector, calendar: str, person: Ann) -> None:
        extra = ["CLASS:PRIVATE", "X-MICROSOFT-CDO-BUSYSTATUS:OOF", *GUESTS]
        written = await connector.put(calendar, our_event(location="Café", description="a < b\nc", extra=extra))
        stored = person.the(UID).event
        assert written.remote_key == person.the(UID).id(True)
        assert (stored["start"]["dateTime"], stored["start"]["timeZone"]) == ("2027-03-04T09:00:00", "UTC")
        assert (stored["subject"], stored["location"]["displayName"]) == ("Dentist", "Café")
        assert (stored["showAs"], stored["sensitivity"]) == ("oof", "private")
        assert "a &lt; b<br>" in stored["body"]["content"]
        assert (stored["transactionId"], stored["attendees"], stored["isOnlineMeeting"]) == (
            f"slotlink-{KEY}",
            [],
            False,
        )

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    async def test_a_create_that_was_cut_off_is_finished(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, losing: Losing, method: str
    ) -> None:
        losing.lose = (method,)
        with pytest.raises(ProviderUnavailable):
            await connector.put(calendar, meeting())
        written = await connector.put(calendar, meeting())
        assert await connector.put(calendar, meeting()) == written
        assert uids((await connector.changes(calendar, None)).changed) == [UID]
        assert [(mail.to, mail.what) for mail in graph.meetings.mails] == [
            (BEN, "updated"),
            ("cy@example.org", "updated"),
        ], "each guest is told once"

    async def test_a_create_that_was_cut_off_and_then_changed(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, losing: Losing
    ) -> None:
        """What a person did wins over what is not finished, and stays when the rest is written."""
        losing.lose = ("POST",)
        with pytest.raises(ProviderUnavailable):
            await connector.put(calendar, meeting())
        await person.plant(event(UID, summary="Mine now"))
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(calendar, meeting())
        assert (person.the(UID).event["subject"], graph.meetings.mails) == ("Mine now", [])
        written = await connector.put(calendar, meeting(summary="Ours"), caught.value.version)
        assert await connector.put(calendar, meeting(summary="Ours")) == written
        assert len(graph.meetings.mails) == 2

    async def test_a_create_that_was_cut_off_is_deleted(
        self, connector: GraphConnector, calendar: str, losing: Losing
    ) -> None:
        losing.lose = ("POST",)
        with pytest.raises(ProviderUnavailable):
            await connector.put(calendar, our_event())
        await connector.delete(calendar, KEY)
        assert (await connector.changes(calendar, None)).changed == ()

    async def test_a_search_that_does_not_see_the_event_yet(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        """transactionId makes the second POST one and the same event."""
        written = await connector.put(calendar, our_event())
        graph.faults.answer(200, {"value": []}, method="GET", path="/events$")
        assert await connector.put(calendar, our_event()) == written
        assert uids((await connector.changes(calendar, None)).changed) == [UID]

    async def test_a_search_that_does_not_see_what_a_person_changed(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        await connector.put(calendar, our_event())
        await person.plant(event(UID, summary="Mine now"))
        graph.faults.answer(200, {"value": []}, method="GET", path="/events$")
        with pytest.raises(ChangedElsewhere):
            await connector.put(calendar, our_event())
        assert person.the(UID).event["subject"] == "Mine now"

    async def test_somebody_changes_it_between_looking_and_writing(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        written = await connector.put(calendar, our_event())
        held = graph.faults.hold(method="PATCH")
        putting = asyncio.create_task(connector.put(calendar, our_event(start=START + DAY), written.version))
        while not graph.called("PATCH")[1:]:  # the first has finished the create
            await asyncio.sleep(0.01)
        await person.plant(event(UID, summary="Mine now"))
        held.set()
        with pytest.raises(ChangedElsewhere) as caught:
            await putting
        assert caught.value.ical is not None and meaning(caught.value.ical)[0][-1] == "Mine now"

    @pytest.mark.parametrize("changed", ["body", "guests", "location", "showAs", "sensitivity", "series"])
    async def test_any_change_of_a_person_is_seen(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, changed: str
    ) -> None:
        await connector.put(calendar, our_event(description="Ours"))
        changes: dict[str, dict[str, Any]] = {
            "body": {"body": {"contentType": "text", "content": "Ours and mine"}},
            "guests": {"attendees": [{"emailAddress": {"address": "x@example.org"}}]},
            "location": {"location": {"displayName": "There"}},
            "showAs": {"showAs": "free"},
            "sensitivity": {"sensitivity": "private"},
            "series": {"recurrence": DAILY},
        }
        graph.person(ANN).changes(person.the(UID).id(False), **changes[changed])
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(calendar, our_event(description="Ours"))
        [there] = (await connector.changes(calendar, None)).changed
        assert (caught.value.version, caught.value.ical) == (there.version, there.ical)
        again = await connector.put(calendar, our_event(description="Ours"), there.version)
        assert await connector.put(calendar, our_event(description="Ours")) == again
        [there] = (await connector.changes(calendar, None)).changed
        assert (there.version, meaning(there.ical)) == (again.version, meaning(our_event().ical))
        await connector.delete(calendar, KEY, again.version)

    async def test_a_series_that_a_person_made_is_deleted(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        written = await connector.put(calendar, our_event())
        graph.person(ANN).changes(person.the(UID).id(False), recurrence=DAILY)
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.delete(calendar, KEY, written.version)
        assert caught.value.ical is not None and len(meaning(caught.value.ical)) == 3
        await connector.delete(calendar, KEY, caught.value.version)
        assert (await connector.changes(calendar, None)).changed == ()

    @pytest.mark.parametrize(
        "ical",
        [
            our_event(extra=["RRULE:FREQ=DAILY"]).ical,
            our_event(extra=["RDATE:20270305T090000Z"]).ical,
            our_event().ical.replace("STATUS:CONFIRMED", "STATUS:CANCELLED"),
            our_event().ical.replace("END:VCALENDAR", "BEGIN:VEVENT\r\nUID:x\r\nDTSTART:20270101\r\nEND:VEVENT"),
            "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
            "nonsense",
        ],
        ids=["a rule", "more dates", "cancelled", "cut off", "no event", "nonsense"],
    )
    async def test_what_cannot_be_written(self, connector: GraphConnector, calendar: str, ical: str) -> None:
        with pytest.raises(NotAccepted):
            await connector.put(calendar, EventWrite(KEY, ical))

    async def test_whole_days(self, connector: GraphConnector, calendar: str) -> None:
        ical = event(UID).replace("DTSTART:20270304T090000Z", "DTSTART;VALUE=DATE:20270304")
        write = EventWrite(KEY, ical.replace("DTEND:20270304T100000Z", "DTEND;VALUE=DATE:20270306"))
        written = await connector.put(calendar, write)
        assert await connector.put(calendar, write) == written
        [found] = (await connector.changes(calendar, None)).changed
        assert meaning(found.ical) == meaning(write.ical)

    async def test_a_calendar_that_may_only_be_read(self, connector: GraphConnector, graph: GraphDouble) -> None:
        ben = graph.person(BEN)
        shared = ben.makes_calendar("Ben")
        ben.shares(shared, ANN, edit=True)
        written = await connector.put(shared, our_event())
        ben.shares(shared, ANN)
        for write in (our_event(start=START + DAY), our_event(start=START + 2 * DAY)):
            with pytest.raises(NotAccepted, match="read"):
                await connector.put(shared, write, written.version)
        with pytest.raises(NotAccepted, match="read"):
            await connector.delete(shared, KEY)
        ben.unshares(shared, ANN)
        with pytest.raises(CalendarGone):
            await connector.put(shared, our_event())

    async def test_a_calendar_that_goes_between_looking_and_writing(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        graph.fail("ErrorAccessDenied", method="POST")
        graph.fail("ErrorItemNotFound", path=f"calendars/{calendar}$")
        with pytest.raises(CalendarGone):
            await connector.put(calendar, our_event())


class TestCopies(GraphFixtures):
    async def test_copies_are_somebody_elses(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        """A person copies our event, and the copy has all that we wrote into it."""
        written = await connector.put(calendar, our_event())
        copy = self.copy(graph, person)
        moved = await connector.put(calendar, our_event(start=START + DAY), written.version)
        assert moved.remote_key == written.remote_key
        there = {each.remote_key: each for each in (await connector.changes(calendar, None)).changed}
        assert meaning(there[moved.remote_key].ical) == meaning(our_event(start=START + DAY).ical)
        assert UID not in there[copy.id(True)].ical, "the copy has a UID of its own"
        for _ in range(2):
            await connector.delete(calendar, KEY)
        assert [each.remote_key for each in (await connector.changes(calendar, None)).changed] == [copy.id(True)]
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(calendar, our_event(), moved.version)
        assert (caught.value.version, caught.value.ical) == (None, None)

    async def test_a_copy_of_what_is_not_finished(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, losing: Losing
    ) -> None:
        losing.lose = ("POST",)
        with pytest.raises(ProviderUnavailable):
            await connector.put(calendar, our_event())
        original = person.the(UID)
        copy = self.copy(graph, person)
        with graph.lock:
            copy.event["createdDateTime"] = "2027-03-05T00:00:00.0000000Z"
            events = graph.store.calendars[calendar].events
            events[original.key] = events.pop(original.key)  # the copy comes first
        assert (await connector.put(calendar, our_event())).remote_key == original.id(True)

    def copy(self, graph: GraphDouble, person: Ann) -> Stored:
        known = set(graph.store.calendars[person.calendar].events)
        graph.person(ANN).copies(person.the(UID).id(False))
        [new] = set(graph.store.calendars[person.calendar].events) - known
        return graph.store.calendars[person.calendar].events[new]


DAILY = {
    "pattern": {"type": "daily", "interval": 1},
    "range": {"type": "numbered", "startDate": "2027-03-04", "numberOfOccurrences": 3},
}
