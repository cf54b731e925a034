"""One event of an application, and what the booking that wrote it has put into other calendars."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.booking import EventWrite
from slotlink.store import event_writes, events, managed_events
from slotlink.store.tables import calendars
from tests.contract.store import HOUR, NOW, Owner, Store

TEN, ELEVEN = NOW + HOUR, NOW + 2 * HOUR


async def booked(store: Store, connection: AsyncConnection) -> tuple[str, list[Owner]]:
    """A link whose booking wrote the same event into two calendars; a third has an event of that id of its own."""
    people = [await store.person(connection, name) for name in ("maya", "jonas", "ada")]
    for owner in people:
        await store.event(connection, owner.calendar_id, "interview-1", TEN, ELEVEN)
    writes = tuple(EventWrite(owner.sub, owner.calendar_id, {}) for owner in people[:2])
    link = await store.book(connection, people[0].sub, TEN, ELEVEN, writes=writes)
    return link.link_id, people


async def test_the_events_of_a_booking_are_found_by_one_of_them(store: Store) -> None:
    async with store.transaction() as connection:
        link_id, (maya, jonas, ada) = await booked(store, connection)
        uid = await store.event(connection, jonas.calendar_id, "interview-1", TEN, ELEVEN)
        where = (store.application_id, jonas.calendar_id, uid)
        found = await managed_events.of_write(connection, *where, link_id)
        alone = await managed_events.of_write(connection, *where, None)
        foreign = await managed_events.of_write(connection, store.foreign_id, jonas.calendar_id, uid, link_id)
        await events.delete_managed(connection, store.application_id, [maya.calendar_id], "interview-1", NOW)
        left = await managed_events.of_write(connection, *where, link_id)
    assert [(each.calendar_id, each.sub) for each in found] == [
        (jonas.calendar_id, jonas.sub),
        (maya.calendar_id, maya.sub),
    ]
    assert ada.calendar_id not in {each.calendar_id for each in found}
    assert [each.calendar_id for each in alone] == [each.calendar_id for each in left] == [jonas.calendar_id]
    assert foreign == []


async def test_one_event_is_read_and_given_another_content(store: Store) -> None:
    async with store.transaction() as connection:
        maya = await store.person(connection)
        await store.event(connection, maya.calendar_id, "lunch", TEN, ELEVEN, tzid="Europe/London")
        where = (store.application_id, maya.calendar_id, "lunch")
        found = await managed_events.find(connection, *where)
        assert found is not None and found.details == {"summary": "lunch", "tzid": "Europe/London"}
        assert (found.time.start, found.time.end, found.time.tzid) == (TEN, ELEVEN, "Europe/London")
        await managed_events.set_details(connection, store.foreign_id, found, {"summary": "theirs"}, NOW + 5)
        await managed_events.set_details(connection, store.application_id, found, {"summary": "supper"}, NOW + 9)
        again = await managed_events.find(connection, *where)
        assert again is not None and (again.details, again.written_at) == ({"summary": "supper"}, NOW + 9)
        assert await managed_events.find(connection, store.foreign_id, maya.calendar_id, "lunch") is None
        await events.delete_managed(connection, store.application_id, [maya.calendar_id], "lunch", NOW)
        assert await managed_events.find(connection, *where) is None


async def test_who_can_make_a_room_and_who_does(store: Store) -> None:
    async with store.transaction() as connection:
        link_id, (maya, jonas, ada) = await booked(store, connection)

        async def elsewhere(owner: Owner, made: bool, link: str | None = link_id, of: str | None = None) -> bool:
            application_id = of or store.application_id
            return await managed_events.has_room_elsewhere(
                connection, application_id, link, owner.calendar_id, made=made
            )

        assert not await elsewhere(maya, False)
        able = update(calendars).where(calendars.c.calendar_id.in_([jonas.calendar_id, ada.calendar_id]))
        await connection.execute(able.values(conferencing=True))
        assert await elsewhere(maya, False) and not await elsewhere(maya, True)
        assert not await elsewhere(jonas, False), "only of the same booking, and of another calendar"
        uid = await store.event(connection, jonas.calendar_id, "interview-1", TEN, ELEVEN)
        write = event_writes.EventWrite(
            application_id=store.application_id,
            calendar_id=jonas.calendar_id,
            event_uid=uid,
            write_key=event_writes.write_key(store.application_id, jonas.calendar_id, uid, 1),
            generation=1,
            revision=1,
            ical="BEGIN",
            invites=False,
            mailed=False,
            conference=True,
            link_id=link_id,
            written_revision=0,
            written_ical=None,
            written_version=None,
            problem=None,
            updated_at=NOW,
        )
        await event_writes.insert_new(connection, write)
        assert await elsewhere(maya, True) and not await elsewhere(jonas, True)
        assert not await elsewhere(maya, True, None) and not await elsewhere(maya, True, of=store.foreign_id)
        await event_writes.change(connection, store.application_id, jonas.calendar_id, uid, ical=None)
        assert not await elsewhere(maya, True), "one that is to be deleted has no room"
