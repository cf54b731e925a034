"""What every connector of `connectors/base.py` promises, as tests. A provider's own test file subclasses these two and
gives the fixtures; feeds, which nobody writes to, take ReadingContract alone.

connector   one connected account
calendar    the remote_id of an empty calendar, writable where the provider can write
person      the owner of that calendar at work in another client: `Person`
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Protocol

import pytest

from slotlink.connectors.base import Connector
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, CalendarGone, ChangedElsewhere, ConnectorError, ProviderUnavailable
from tests.contract.connector_events import (
    DAY,
    HOUR,
    KEY,
    MARCH,
    START,
    all_day,
    by_uid,
    event,
    meaning,
    our_event,
    uids,
)


class Person(Protocol):
    """Whoever changes the calendar without us. What is planted again under one UID is changed."""

    async def plant(self, ical: str) -> None: ...

    async def remove(self, uid: str) -> None: ...

    async def delete_calendar(self) -> None: ...

    async def break_access(self) -> None:
        """The account's password is changed, or our access revoked."""
        ...

    def lose_next_answer(self) -> None:
        """The next write reaches the provider, and its answer does not reach us."""
        ...


class ReadingContract:
    @pytest.fixture
    def says_whole(self) -> bool:
        """False: the provider answers a cursor that it does not know as if it did, with everything."""
        return True

    def strange_cursors(self, cursor: str) -> list[str]:
        return ["nonsense", "", cursor[:-8] + "deadbeef"]

    async def test_listing(self, connector: Connector, calendar: str) -> None:
        listed = await connector.list_calendars()
        names = [each.remote_id for each in listed]
        assert names.count(calendar) == 1 and len(set(names)) == len(names)
        assert sum(each.primary for each in listed) == 1
        assert all(each.name for each in listed)

    async def test_the_first_read_is_whole(self, connector: Connector, calendar: str, person: Person) -> None:
        empty = await connector.changes(calendar, None)
        assert (empty.changed, empty.whole) == ((), True)
        planted = {
            "single": event("single"),
            "weekly": event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=9", "EXDATE:20270311T090000Z"]),
            "day": all_day("day"),
        }
        for ical in planted.values():
            await person.plant(ical)
        changes = await connector.changes(calendar, None)
        found = by_uid(changes)
        assert changes.whole and len(changes.changed) == len(planted) and found.keys() == planted.keys()
        assert len({each.remote_key for each in changes.changed}) == len(planted)
        for uid, ical in planted.items():
            assert meaning(found[uid].ical) == meaning(ical) != []

    async def test_changes_since_a_cursor(self, connector: Connector, calendar: str, person: Person) -> None:
        for uid in ("stays", "moves", "goes"):
            await person.plant(event(uid))
        first = await connector.changes(calendar, None)
        known = {each.remote_key: each for each in first.changed}

        nothing = await connector.changes(calendar, first.cursor)
        assert not nothing.changed and not nothing.removed and not nothing.whole

        await person.plant(event("moves", start=START + DAY))
        await person.plant(event("comes"))
        await person.remove("goes")
        changes = await connector.changes(calendar, first.cursor)
        now = by_uid(changes)
        before = by_uid(first)
        if changes.whole:
            assert now.keys() == {"stays", "moves", "comes"}
        else:
            assert now.keys() == {"moves", "comes"}
            assert set(changes.removed) & known.keys() == {before["goes"].remote_key}
        assert now["moves"].remote_key == before["moves"].remote_key
        assert now["moves"].version is None or now["moves"].version != before["moves"].version
        assert meaning(now["moves"].ical) == meaning(event("moves", start=START + DAY))

        later = await connector.changes(calendar, changes.cursor)
        assert not later.changed and not later.removed and not later.whole

    async def test_a_cursor_that_is_none(
        self, connector: Connector, calendar: str, person: Person, says_whole: bool
    ) -> None:
        await person.plant(event("one"))
        cursor = (await connector.changes(calendar, None)).cursor
        assert cursor is not None
        for wrong in self.strange_cursors(cursor):
            changes = await connector.changes(calendar, wrong)
            assert (changes.whole or not says_whole) and list(by_uid(changes)) == ["one"], wrong
            assert not (await connector.changes(calendar, changes.cursor)).changed

    async def test_a_live_read_finds_a_repetition(self, connector: Connector, calendar: str, person: Person) -> None:
        await person.plant(event("weekly", extra=["RRULE:FREQ=WEEKLY;COUNT=60"]))
        await person.plant(all_day("day"))
        at = Period(START + 14 * DAY, START + 14 * DAY + HOUR)
        live = await connector.read_live([calendar], at)
        assert "weekly" in uids(live[calendar])
        day = await connector.read_live([calendar], Period(START + DAY, START + DAY + HOUR))
        assert "day" in uids(day[calendar])

    async def test_an_unreadable_calendar_never_hides(
        self, connector: Connector, calendar: str, missing: str, person: Person
    ) -> None:
        await person.plant(event("one"))
        live = await connector.read_live([missing, calendar], MARCH)
        assert live.keys() == {missing, calendar}
        assert isinstance(live[missing], ConnectorError)
        assert uids(live[calendar]) == ["one"]

    async def test_revoked_access(self, connector: Connector, calendar: str, person: Person) -> None:
        await connector.list_calendars()
        await person.break_access()
        with pytest.raises(AccessRevoked):
            await connector.list_calendars()
        with pytest.raises(AccessRevoked):
            await connector.changes(calendar, None)
        assert isinstance((await connector.read_live([calendar], MARCH))[calendar], AccessRevoked)

    async def test_a_calendar_deleted_elsewhere(self, connector: Connector, calendar: str, person: Person) -> None:
        await person.plant(event("one"))
        cursor = (await connector.changes(calendar, None)).cursor
        await person.delete_calendar()
        for known in (cursor, None):
            with pytest.raises(CalendarGone):
                await connector.changes(calendar, known)
        assert isinstance((await connector.read_live([calendar], MARCH))[calendar], CalendarGone)
        assert calendar not in [each.remote_id for each in await connector.list_calendars()]

    async def test_texts_of_every_kind(self, connector: Connector, calendar: str, person: Person) -> None:
        texts = ["Zahnärztin 🦷 für Ω, <b>&amp;</b> ]]> \\n; naïve", "x" * 3000 + "é" * 500, "多" * 400]
        for number, text in enumerate(texts):
            await person.plant(event(f"text-{number}", summary=text, description=text))
        found = by_uid(await connector.changes(calendar, None))
        live = await connector.read_live([calendar], MARCH)
        assert uids(live[calendar]) == sorted(found)
        for number, text in enumerate(texts):
            [(*_, summary)] = meaning(found[f"text-{number}"].ical)
            [(*_, sent)] = meaning(event(f"text-{number}", summary=text))
            assert summary == sent

    async def test_uids_of_every_kind(self, connector: Connector, calendar: str, person: Person) -> None:
        odd = ["a b@host", "100%25", "ä🦷", "x/../y", "q?a=1&b=2#c", "{curly}<angle>", "'quote\"", "_" * 200]
        for uid in odd:
            await person.plant(event(uid))
        changes = await connector.changes(calendar, None)
        assert sorted(by_uid(changes)) == sorted(odd)
        assert uids((await connector.read_live([calendar], MARCH))[calendar]) == sorted(odd)
        await person.remove(odd[0])
        after = await connector.changes(calendar, changes.cursor)
        assert after.whole or by_uid(changes)[odd[0]].remote_key in after.removed


class ConnectorContract(ReadingContract):
    async def test_what_is_put_is_there(self, connector: Connector, calendar: str) -> None:
        write = our_event()
        cursor = (await connector.changes(calendar, None)).cursor
        written = await connector.put(calendar, write)
        changes = await connector.changes(calendar, cursor)
        [found] = changes.changed
        assert (found.remote_key, found.version) == (written.remote_key, written.version)
        assert meaning(found.ical) == meaning(write.ical)

        moved = our_event(start=START + DAY)
        again = await connector.put(calendar, moved, written.version)
        assert again.remote_key == written.remote_key and again.version != written.version
        [found] = (await connector.changes(calendar, None)).changed
        assert found.version == again.version and meaning(found.ical) == meaning(moved.ical)

    async def test_twice_leaves_one(self, connector: Connector, calendar: str) -> None:
        first = await connector.put(calendar, our_event())
        assert await connector.put(calendar, our_event()) == first
        await asyncio.gather(*(connector.put(calendar, our_event()) for _ in range(3)))
        assert await self.there(connector, calendar) == [f"{KEY}@slotlink.test"]

    async def test_a_put_whose_answer_is_lost(self, connector: Connector, calendar: str, person: Person) -> None:
        person.lose_next_answer()
        with pytest.raises(ProviderUnavailable):
            await connector.put(calendar, our_event())
        written = await connector.put(calendar, our_event())
        assert await self.there(connector, calendar) == [f"{KEY}@slotlink.test"]

        moved = our_event(start=START + DAY)
        person.lose_next_answer()
        with pytest.raises(ProviderUnavailable):
            await connector.put(calendar, moved, written.version)
        again = await connector.put(calendar, moved, written.version)
        [found] = (await connector.changes(calendar, None)).changed
        assert found.version == again.version and meaning(found.ical) == meaning(moved.ical)

        person.lose_next_answer()
        with pytest.raises(ProviderUnavailable):
            await connector.delete(calendar, KEY, again.version)
        await connector.delete(calendar, KEY, again.version)
        assert await self.there(connector, calendar) == []

    async def test_what_a_person_changed_stays(self, connector: Connector, calendar: str, person: Person) -> None:
        write = our_event()
        written = await connector.put(calendar, write)
        theirs = write.ical.replace("DTEND:20270304T100000Z", "DTEND:20270304T110000Z")
        assert theirs != write.ical
        await person.plant(theirs)
        for ours, expected in (
            (our_event(start=START + DAY), written.version),
            (write, written.version),
            (write, None),  # whoever never heard that it arrived, and writes it again
        ):
            with pytest.raises(ChangedElsewhere) as caught:
                await connector.put(calendar, ours, expected)
            assert caught.value.ical is not None and meaning(caught.value.ical) == meaning(theirs)
            assert caught.value.version not in (None, written.version)
        with pytest.raises(ChangedElsewhere):
            await connector.delete(calendar, KEY, written.version)
        [found] = (await connector.changes(calendar, None)).changed
        assert meaning(found.ical) == meaning(theirs)
        await connector.delete(calendar, KEY, found.version)
        assert await self.there(connector, calendar) == []

    async def test_what_a_person_deleted_stays_deleted(
        self, connector: Connector, calendar: str, person: Person
    ) -> None:
        written = await connector.put(calendar, our_event())
        await person.remove(f"{KEY}@slotlink.test")
        with pytest.raises(ChangedElsewhere) as caught:
            await connector.put(calendar, our_event(start=START + DAY), written.version)
        assert (caught.value.ical, caught.value.version) == (None, None)
        assert await self.there(connector, calendar) == []
        await connector.delete(calendar, KEY, written.version)

    async def test_delete_twice(self, connector: Connector, calendar: str) -> None:
        await connector.delete(calendar, KEY)
        await connector.put(calendar, our_event())
        await connector.delete(calendar, KEY)
        assert await self.there(connector, calendar) == []
        await connector.delete(calendar, KEY)

    async def test_nothing_else_is_touched(self, connector: Connector, calendar: str, person: Person) -> None:
        await person.plant(event("theirs"))
        await person.plant(event(f"{KEY}2@slotlink.test"))  # begins as our key does
        before = (await connector.changes(calendar, None)).changed
        written = await connector.put(calendar, our_event())
        await connector.put(calendar, our_event(start=START + DAY), written.version)
        await connector.delete(calendar, KEY)
        await connector.delete(calendar, KEY)
        after = (await connector.changes(calendar, None)).changed
        assert len(before) == 2
        assert sorted(after, key=lambda each: each.remote_key) == sorted(before, key=lambda each: each.remote_key)

    async def test_writing_to_a_calendar_that_is_gone(
        self, connector: Connector, calendar: str, person: Person
    ) -> None:
        written = await connector.put(calendar, our_event())
        await person.delete_calendar()
        with pytest.raises(CalendarGone):
            await connector.put(calendar, replace(our_event(), key=KEY[:-1] + "3"))
        with pytest.raises(CalendarGone):
            await connector.put(calendar, our_event(), written.version)
        await connector.delete(calendar, KEY, written.version)

    async def test_every_text_comes_back(self, connector: Connector, calendar: str) -> None:
        write = our_event(summary="Gespräch mit 多田 🦷; a, b \\ c", description="1\n2\n" + "é" * 2000, location="Café")
        written = await connector.put(calendar, write)
        assert await connector.put(calendar, write) == written, "it is known again in the provider's words"
        [found] = (await connector.changes(calendar, None)).changed
        assert meaning(found.ical) == meaning(write.ical)

    async def there(self, connector: Connector, calendar: str) -> list[str]:
        return uids((await connector.changes(calendar, None)).changed)
