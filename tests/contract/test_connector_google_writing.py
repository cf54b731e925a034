"""Writing at Google: what people change meanwhile, invitations, meeting rooms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slotlink.connectors.google import GoogleConnector
from slotlink.errors import ChangedElsewhere, ProviderUnavailable
from tests.contract.connector_events import DAY, KEY, START, ZONE, by_uid, meaning, our_event
from tests.contract.google_contract import CALENDAR, OWN_ID, GoogleAccount, Owner, starts
from tests.doubles.google import GoogleDouble
from tests.doubles.google_guests import Mail
from tests.doubles.google_world import BEN


class TestWriting(GoogleAccount):
    async def test_what_is_written(self, google: GoogleDouble, connector: GoogleConnector, person: Owner) -> None:
        written = await connector.put(CALENDAR, our_event(url="https://slotlink.test/b/1", location="Hall"))
        assert written.remote_key == OWN_ID
        there = person.person.sees(OWN_ID, CALENDAR)
        assert there["start"] == {"dateTime": "2027-03-04T09:00:00Z", "timeZone": ZONE}
        assert (there["source"]["url"], there["location"]) == ("https://slotlink.test/b/1", "Hall")

    async def test_what_is_taken_away_is_gone(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        written = await connector.put(CALENDAR, our_event(location="Hall", description="Bring cake"))
        person.person.changes(OWN_ID, CALENDAR, colorId="7")
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(CALENDAR, our_event(start=START + DAY), written.version)
        await connector.put(CALENDAR, our_event(start=START + DAY), caught.value.version)
        there = person.person.sees(OWN_ID, CALENDAR)
        assert ("location" in there, "description" in there, there["colorId"]) == (False, False, "7")

    async def test_a_whole_day_and_back(self, connector: GoogleConnector, person: Owner) -> None:
        day = our_event()
        lines = [line for line in day.ical.split("\r\n") if not line.startswith("DTEND")]
        lines = ["DTSTART;VALUE=DATE:20270305" if line.startswith("DTSTART") else line for line in lines]
        day = replace(day, ical="\r\n".join(lines))
        written = await connector.put(CALENDAR, our_event())
        for write in (day, our_event()):
            written = await connector.put(CALENDAR, write, written.version)
            assert await connector.put(CALENDAR, write, written.version) == written
            [found] = (await connector.changes(CALENDAR, None)).changed
            assert meaning(found.ical) == meaning(write.ical)

    async def test_a_deleted_id_stays_deleted(self, connector: GoogleConnector, person: Owner) -> None:
        await connector.put(CALENDAR, our_event())
        await person.remove(f"{KEY}@slotlink.test")
        for _ in ("deleted", "vanished"):
            with pytest.raises(ChangedElsewhere) as caught:
                await connector.put(CALENDAR, our_event())
            assert (caught.value.version, caught.value.ical) == (None, None)
            person.person.empties_bin(CALENDAR)

    async def test_our_event_made_a_series_by_a_person(self, connector: GoogleConnector, person: Owner) -> None:
        written = await connector.put(CALENDAR, our_event())
        utc = {side: {"timeZone": "UTC"} for side in ("start", "end")}
        person.person.changes(OWN_ID, CALENDAR, recurrence=["RRULE:FREQ=DAILY;COUNT=2"], **utc)
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(CALENDAR, our_event(start=START + DAY), written.version)
        assert caught.value.ical is not None and starts(caught.value.ical) == [START, START + DAY]
        person.person.deletes(f"{OWN_ID}_20270305T090000Z", CALENDAR)
        with pytest.raises(ChangedElsewhere) as later:
            await connector.delete(CALENDAR, KEY, caught.value.version)
        assert later.value.ical is not None and starts(later.value.ical) == [START]
        again = await connector.put(CALENDAR, our_event(), later.value.version)
        [found] = (await connector.changes(CALENDAR, None)).changed
        assert meaning(found.ical) == meaning(our_event().ical) and again.remote_key == OWN_ID

    async def test_a_duplicate_of_our_event_is_not_ours(self, connector: GoogleConnector, person: Owner) -> None:
        """As people copy events in Google's pages: the properties are copied too."""
        await connector.put(CALENDAR, our_event())
        there = person.person.sees(OWN_ID, CALENDAR)
        person.insert(**{name: there[name] for name in ("start", "end", "summary", "extendedProperties")})
        found = sorted(by_uid(await connector.changes(CALENDAR, None)))
        assert f"{KEY}@slotlink.test" in found and len(found) == 2

    async def test_invitations(self, google: GoogleDouble, connector: GoogleConnector, person: Owner) -> None:
        guests = ["ATTENDEE;CN=Ben:mailto:Ben@example.com", "ATTENDEE:mailto:vis@elsewhere.test"]
        quiet = our_event(extra=guests)
        await connector.put(CALENDAR, quiet)
        assert google.guests.mails == [] and "attendees" not in person.person.sees(OWN_ID, CALENDAR)
        person.person.changes(OWN_ID, CALENDAR, attendees=[{"email": BEN}])
        seen = (await connector.changes(CALENDAR, None)).changed[0].version
        await connector.put(CALENDAR, our_event(start=START + DAY), seen)
        assert len(person.person.sees(OWN_ID, CALENDAR)["attendees"]) == 1, "a guest of theirs stays"
        await connector.delete(CALENDAR, KEY)
        assert google.guests.mails == []

        key = KEY[:-1] + "9"
        loud = replace(quiet, key=key, ical=quiet.ical.replace(KEY, key), invites=True)
        written = await connector.put(CALENDAR, loud)
        [own] = [each for each in google.store.calendars[CALENDAR].events if each != OWN_ID]
        assert google.guests.mails == [Mail(to, own, "created") for to in (BEN, "vis@elsewhere.test")]
        google.person(BEN).answers(own, "accepted")
        again = await connector.put(CALENDAR, loud)
        assert again.version != written.version, "an answer is no change by a person"
        moved = loud.ical.replace("20270304T", "20270305T")
        await connector.put(CALENDAR, replace(loud, ical=moved), again.version)
        answers = {one["email"]: one["responseStatus"] for one in person.person.sees(own, CALENDAR)["attendees"]}
        assert answers == {BEN: "accepted", "vis@elsewhere.test": "needsAction"}
        google.guests.mails.clear()
        await connector.delete(CALENDAR, key)
        assert [each.what for each in google.guests.mails] == ["deleted", "deleted"]

    async def test_a_meeting_room_is_made_later(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        write = replace(our_event(), conference=True)
        written = await connector.put(CALENDAR, write)
        assert written.join_url is None
        assert await connector.put(CALENDAR, write) == written
        google.clock.now += 10
        made = await connector.put(CALENDAR, write, written.version)
        assert made.join_url is not None and made.join_url.startswith("https://meet.google.com/")
        moved = replace(our_event(start=START + DAY), conference=True)
        again = await connector.put(CALENDAR, moved, made.version)
        assert again.join_url == made.join_url, "one, however often it is written"
        [found] = (await connector.changes(CALENDAR, None)).changed
        assert made.join_url in found.ical

    async def test_a_meeting_room_for_an_event_without_one(
        self, google: GoogleDouble, connector: GoogleConnector
    ) -> None:
        written = await connector.put(CALENDAR, our_event())
        asked = await connector.put(CALENDAR, replace(our_event(), conference=True), written.version)
        assert asked.version != written.version
        google.clock.now += 10
        assert (await connector.put(CALENDAR, replace(our_event(), conference=True))).join_url

    async def test_a_meeting_room_that_cannot_be_made(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        google.conferences.fails = True
        write = replace(our_event(), conference=True)
        await connector.put(CALENDAR, write)
        google.clock.now += 10
        assert (await connector.put(CALENDAR, write)).join_url is None

    async def test_an_answer_that_is_lost_and_a_person_who_is_quick(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        google.faults.close_after(method="POST")
        with pytest.raises(ProviderUnavailable):
            await connector.put(CALENDAR, our_event())
        person.person.changes(OWN_ID, CALENDAR, summary="Mine")
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(CALENDAR, our_event())
        assert caught.value.ical is not None and "Mine" in caught.value.ical

    async def test_a_change_between_looking_and_writing(
        self, google: GoogleDouble, connector: GoogleConnector, person: Owner
    ) -> None:
        written = await connector.put(CALENDAR, our_event())
        moved = our_event(start=START + DAY)
        google.fail("conditionNotMet", method="PATCH")
        again = await connector.put(CALENDAR, moved, written.version)
        google.fail("conditionNotMet", method="DELETE", times=9)
        with pytest.raises(ProviderUnavailable):
            await connector.delete(CALENDAR, KEY, again.version)
        assert [call.headers["if-match"] for call in google.called("PATCH")] == [written.version] * 2
        assert {call.headers["if-match"] for call in google.called("DELETE")} == {again.version}
