"""Guests and Teams meetings: Outlook mails whoever is on the list, and a body without its Teams part ends a meeting."""

from __future__ import annotations

import pytest

from slotlink.connectors.graph import GraphConnector
from tests.contract.connector_events import DAY, KEY, START, our_event
from tests.contract.graph_contract import GUESTS, UID, Ann, GraphFixtures, meeting, online
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_world import ANN, BEN


class TestMeetings(GraphFixtures):
    async def test_nobody_is_invited_who_should_not_be(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        written = await connector.put(calendar, our_event(extra=GUESTS))
        await connector.put(calendar, our_event(start=START + DAY, extra=GUESTS), written.version)
        assert graph.meetings.mails == []

    async def test_guests_are_told_of_what_changes_and_keep_their_answers(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        ben = graph.person(BEN)
        written = await connector.put(calendar, meeting())
        guests = person.the(UID).event["attendees"]
        assert [(each["emailAddress"]["address"], each["type"]) for each in guests] == [
            (BEN, "required"),
            ("cy@example.org", "optional"),
        ]
        [copy] = graph.store.calendar(BEN).events.values()
        ben.answers(copy.id(False), "accepted")
        [found] = (await connector.changes(calendar, None)).changed
        assert f'ATTENDEE;PARTSTAT=ACCEPTED;CN="Ben":mailto:{BEN}' in found.ical.replace("\r\n ", "")
        await connector.put(calendar, meeting(start=START + DAY), found.version)
        assert person.the(UID).event["attendees"][0]["status"]["response"] == "accepted"
        assert await connector.put(calendar, meeting(start=START + DAY), written.version)
        assert len(graph.meetings.mails) == 4, "one for each write that changed something"
        await connector.delete(calendar, KEY)
        assert graph.meetings.mails[-1].what == "deleted"

    @pytest.mark.parametrize("text", ["", "Agenda"])
    async def test_a_teams_meeting_outlives_every_change(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, text: str
    ) -> None:
        write = online(description=text)
        written = await connector.put(calendar, write)
        assert written.join_url is not None and written.join_url.startswith("https://teams.microsoft.com/")
        assert await connector.put(calendar, write) == written, "its text in the body is no change of a person"
        last = written
        for again in (online(start=START + DAY, description=text), online(description="Another agenda")):
            last = await connector.put(calendar, again, last.version)
            assert last.join_url == written.join_url
            assert await connector.put(calendar, again) == last
        content = person.the(UID).event["body"]["content"]
        assert content.count("Join the meeting now") == 1 and "Another agenda" in content and "Agenda<" not in content

    async def test_a_meeting_part_that_we_do_not_know_again(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        written = await connector.put(calendar, online(description="Agenda"))
        content = person.the(UID).event["body"]["content"].replace("me-email-text", "something-new")
        graph.person(ANN).changes(person.the(UID).id(False), body={"contentType": "html", "content": content})
        version = person.the(UID).etag
        last = await connector.put(calendar, online(description="Another"), version)
        assert last.join_url == written.join_url

    async def test_a_room_that_does_not_come(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        """As for personal accounts, and silently at times."""
        graph.meetings.teams_fails = True
        written = await connector.put(calendar, online())
        assert written.join_url is None and await connector.put(calendar, online()) == written
        graph.meetings.teams_fails = False
        later = await connector.put(calendar, online(), written.version)
        assert later.join_url is not None
