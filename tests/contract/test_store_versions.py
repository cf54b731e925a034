"""An account's version grows with every change that its availability depends on: whoever remembers an answer under a
version never gives one that has become wrong.

What has changed is read from the rows themselves, by owner; which versions grew must be the same people.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from slotlink.domain.booking import Booking, EventWrite
from slotlink.domain.event import EventTime, wire_time
from slotlink.domain.link import Link, TargetCalendar
from slotlink.domain.query import ExcludedEvent, Group, Member, Query
from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.services import accounts as account_services
from slotlink.services import booking, busy, events, rules
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store import accounts, bookings, links, tables, tokens
from slotlink.store import available_periods as period_rows
from slotlink.store import rules as rule_rows
from slotlink.store.tables import (
    availability_rules,
    available_periods,
    booking_participants,
    busy_periods,
    calendars,
    profiles,
)
from slotlink.vault import new_key
from tests.contract.store import DAY, HOUR, NOW, Owner, Store, terms
from tests.contract.store import booking as booking_row

TOMORROW = NOW + DAY  # where `terms` begins: eight hours, and a meeting of one
SETTINGS = Settings.from_environ(
    {
        "SLOTLINK_SECRET_KEYS": new_key(),
        "SLOTLINK_API_URL": "https://api.test",
        "SLOTLINK_APP_URL": "https://app.test",
    }
)
WEEKLY = [{"day": "monday", "start_time": "09:00", "end_time": "17:00"}]


@dataclass(frozen=True)
class Scene:
    """Maya, Jonas and Ada, and whoever stands by and must never be touched."""

    store: Store
    deps: Deps
    maya: Owner
    jonas: Owner
    ada: Owner
    bystander: Owner

    @property
    def application_id(self) -> str:
        return self.store.application_id

    def names(self, subs: set[str]) -> set[str]:
        owners = {name: getattr(self, name).sub for name in ("maya", "jonas", "ada", "bystander")}
        return {next((name for name, owner in owners.items() if owner == sub), sub) for sub in subs}

    async def link(self, *people: Owner, event_id: str = "interview", **changes: Any) -> Link:
        targets = tuple(TargetCalendar(person.sub, person.calendar_id) for person in people)
        of = dataclasses.replace(terms(*(person.sub for person in people)), **{"targets": targets, **changes})
        event = {"event_id": event_id, "summary": "Interview", "tzid": "Etc/UTC"}
        async with self.store.transaction() as connection:
            return await links.create(connection, self.store.vault, self.application_id, event, of, NOW)

    async def book(self, link: Link, hours: int = 0, now: int = NOW) -> None:
        await booking.book_slot(self.deps, link, TOMORROW + hours * HOUR, visitor_tzid="Etc/UTC", now=now)

    async def write(self, owner: Owner, event_id: str, hours: int, **details: Any) -> None:
        time = EventTime(TOMORROW + hours * HOUR, TOMORROW + (hours + 1) * HOUR, "Etc/UTC")
        whole = {"summary": event_id, **details}
        await events.write_event(
            self.deps, self.application_id, owner.sub, owner.calendar_id, event_id, whole, time, NOW
        )

    async def import_file(self, owner: Owner, *lines: str) -> None:
        async with self.store.reading() as connection:
            account = await accounts.get(connection, self.application_id, owner.sub)
        start = f"DTSTART:{wire_time(TOMORROW).replace('-', '').replace(':', '')}"
        event = ["BEGIN:VEVENT", "UID:u@test", "DTSTAMP:20270101T000000Z", start, "DURATION:PT1H", *lines, "END:VEVENT"]
        text = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *event, "END:VCALENDAR", ""])
        await events.import_calendar(self.deps, account, None, text.encode(), NOW)

    async def write_rule(self, owner: Owner, availability_rule_id: str = "default", **changes: Any) -> None:
        made = {"tzid": "Etc/UTC", "weekly_periods": WEEKLY, "calendar_ids": None, **changes}
        stored = StoredRule.of(availability_rule_id, **made)
        await rules.write_rule(self.deps, self.application_id, owner.sub, stored, NOW)

    async def write_period(self, owner: Owner, available_period_id: str = "once", hours: int = 0) -> None:
        period = AvailablePeriod(available_period_id, TOMORROW + hours * HOUR, TOMORROW + (hours + 1) * HOUR)
        await rules.write_available_period(self.deps, self.application_id, owner.sub, period)

    async def versions(self) -> dict[str, int]:
        async with self.store.reading() as connection:
            rows = await connection.execute(
                select(tables.accounts.c.sub, tables.accounts.c.version).where(
                    tables.accounts.c.application_id == self.application_id
                )
            )
            return {row.sub: row.version for row in rows}

    async def availability(self) -> dict[str, set[Any]]:
        """What each person's availability is made of, as it stands in the tables."""
        row = booking_participants.c
        owner = select(calendars.c.sub).where(
            calendars.c.application_id == busy_periods.c.application_id,
            calendars.c.calendar_id == busy_periods.c.calendar_id,
        )
        said = select(tables.links.c.event).where(
            tables.links.c.application_id == row.application_id, tables.links.c.link_id == row.link_id
        )
        period = busy_periods.c
        statements = {
            "account": select(tables.accounts.c.sub, tables.accounts.c.tzid, tables.accounts.c.revoked_at),
            "profile": select(profiles.c.sub, profiles.c.connected, profiles.c.initial_sync_required),
            "calendar": select(
                calendars.c.sub,
                *(calendars.c[name] for name in ("calendar_id", "tzid", "deleted", "known_from", "known_until")),
            ),
            "busy": select(
                owner.scalar_subquery(), period.calendar_id, period.start_at, period.end_at, period.kind
            ).where(period.kind != "free"),
            # What the link says of the event is what quotas count by.
            "hold": select(
                row.sub, row.start_at, row.end_at, row.event_id, row.held_until, said.scalar_subquery()
            ).where(row.blocks),
            "rule": select(availability_rules),
            "period": select(available_periods),
        }
        found: dict[str, set[Any]] = {}
        async with self.store.reading() as connection:
            for kind, statement in statements.items():
                [table] = [table for table in statement.get_final_froms() if "application_id" in table.c]
                for values in await connection.execute(statement.where(table.c.application_id == self.application_id)):
                    sub = values.sub if "sub" in values._fields else values[0]
                    found.setdefault(sub, set()).add((kind, *values))
        return found


@pytest.fixture
async def scene(store: Store) -> Scene:
    async with store.transaction() as connection:
        people = [await store.person(connection, name) for name in ("maya", "jonas", "ada", "bystander")]
    return Scene(store, Deps(store.database, store.vault, SETTINGS), *people)


Step = Callable[[Scene], Awaitable[Any]]


async def nothing(scene: Scene) -> None:
    pass


def steps(*each: Step) -> Step:
    async def all_of_them(scene: Scene) -> None:
        for step in each:
            await step(scene)

    return all_of_them


async def booked_together(scene: Scene) -> None:
    """One event in Maya's calendar; Jonas is named in it."""
    await scene.book(await scene.link(scene.maya, scene.jonas, event_creation="single"))


async def booked_each(scene: Scene) -> None:
    await scene.book(await scene.link(scene.maya, scene.jonas))


async def held(scene: Scene) -> None:
    """Maya alone, without an event: for ten minutes."""
    await scene.book(await scene.link(scene.maya, targets=()))


async def open_account(scene: Scene) -> None:
    await account_services.open_application_calendar(scene.deps, scene.application_id, "newcomer", NOW)


async def add_calendar(scene: Scene) -> None:
    await account_services.create_calendar(
        scene.deps, scene.application_id, scene.maya.sub, scene.maya.profile_id, "Second", None, NOW
    )


async def revoke(scene: Scene) -> None:
    await account_services.revoke_grant(scene.deps, scene.application_id, token=None, sub=scene.maya.sub, now=NOW)


async def revoke_by_token(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        token = await tokens.issue_access(connection, scene.application_id, scene.maya.sub, NOW)
    await account_services.revoke_grant(scene.deps, scene.application_id, token=token, sub=None, now=NOW)


async def delete_event(scene: Scene, event_id: str) -> None:
    maya = scene.maya
    await events.delete_event(scene.deps, scene.application_id, maya.sub, maya.calendar_id, event_id, NOW)


async def delete_all(scene: Scene, *calendar_ids: str) -> None:
    await events.delete_all_events(scene.deps, scene.application_id, scene.maya.sub, list(calendar_ids) or None, NOW)


async def look_far_ahead(scene: Scene) -> None:
    far = NOW + 500 * DAY
    query = Query((Group((Member(scene.maya.sub),)),), HOUR, ((far, far + DAY),))
    await busy.read_free_time(scene.deps, scene.application_id, query, NOW)


async def move_to_others(scene: Scene) -> None:
    """The same event again, by a link of Maya and Ada: Jonas, whom it no longer names, is free again."""
    await scene.book(await scene.link(scene.maya, scene.ada), hours=3)


async def excluding(scene: Scene) -> None:
    query = dataclasses.replace(terms(scene.maya.sub).query, excluded_events=(ExcludedEvent("interview", None),))
    await scene.book(await scene.link(scene.maya, event_id="another", query=query))


async def later_over_the_hold(scene: Scene) -> None:
    await scene.book(await scene.link(scene.maya, event_id="another"), now=NOW + HOUR)


async def booked_with_a_shared_calendar(scene: Scene) -> None:
    """A target outside the query, such as a room's calendar, gets the event too."""
    targets = tuple(TargetCalendar(person.sub, person.calendar_id) for person in (scene.maya, scene.ada))
    await scene.book(await scene.link(scene.maya, targets=targets))


# what happened before, what happens now, and whose availability that changes
CHANGES: dict[str, tuple[Step, Step, set[str]]] = {
    "a calendar is added": (nothing, add_calendar, {"maya"}),
    "a grant is revoked": (booked_each, revoke, {"maya"}),
    "a grant is revoked by its token": (booked_each, revoke_by_token, {"maya"}),
    "an event is written": (nothing, lambda s: s.write(s.maya, "lunch", 1), {"maya"}),
    "an event is moved": (lambda s: s.write(s.maya, "lunch", 1), lambda s: s.write(s.maya, "lunch", 2), {"maya"}),
    "an event blocks no more": (
        lambda s: s.write(s.maya, "lunch", 1),
        lambda s: s.write(s.maya, "lunch", 1, transparency="transparent"),
        {"maya"},
    ),
    "an event is deleted": (lambda s: s.write(s.maya, "lunch", 1), lambda s: delete_event(s, "lunch"), {"maya"}),
    "all events are deleted": (lambda s: s.write(s.maya, "lunch", 1), delete_all, {"maya"}),
    "all events of a calendar are deleted": (
        lambda s: s.write(s.maya, "lunch", 1),
        lambda s: delete_all(s, s.maya.calendar_id),
        {"maya"},
    ),
    "a booked event is moved, and frees whom it named": (
        booked_together,
        lambda s: s.write(s.maya, "interview", 4),
        {"maya", "jonas"},
    ),
    "a booked event is deleted, and frees whom it named": (
        booked_together,
        lambda s: delete_event(s, "interview"),
        {"maya", "jonas"},
    ),
    "all events are deleted, a booked one too": (booked_together, delete_all, {"maya", "jonas"}),
    "one of two booked events is deleted": (booked_each, lambda s: delete_event(s, "interview"), {"maya"}),
    "one of two booked events is moved, and the other still counts by what the link says": (
        booked_each,
        lambda s: s.write(s.maya, "interview", 4, tags={"private": [{"value": "interview"}]}),
        {"maya", "jonas"},
    ),
    "a file is imported": (nothing, lambda s: s.import_file(s.maya), {"maya"}),
    "a file with repeating events is imported": (
        nothing,
        lambda s: s.import_file(s.maya, "RRULE:FREQ=DAILY"),
        {"maya"},
    ),
    "a file is imported again, and no longer says the same": (
        lambda s: s.import_file(s.maya),
        lambda s: s.import_file(s.maya, "TRANSP:TRANSPARENT"),
        {"maya"},
    ),
    "repeating events are expanded further": (
        lambda s: s.import_file(s.maya, "RRULE:FREQ=DAILY"),
        look_far_ahead,
        {"maya"},
    ),
    "two people are booked": (nothing, booked_each, {"maya", "jonas"}),
    "two people are booked with one event": (nothing, booked_together, {"maya", "jonas"}),
    "somebody is held without an event": (nothing, held, {"maya"}),
    "a hold that ran out is booked over": (held, later_over_the_hold, {"maya"}),
    "a booking moves an event to other people": (booked_together, move_to_others, {"maya", "jonas", "ada"}),
    "a booking disregards another": (held, excluding, {"maya"}),
    "an event is written where another calendar is shared": (
        nothing,
        booked_with_a_shared_calendar,
        {"maya", "ada"},
    ),
    "a rule is written": (nothing, lambda s: s.write_rule(s.maya), {"maya"}),
    "a rule is replaced": (
        lambda s: s.write_rule(s.maya),
        lambda s: s.write_rule(s.maya, tzid="Asia/Tokyo"),
        {"maya"},
    ),
    "a rule is deleted": (
        lambda s: s.write_rule(s.maya),
        lambda s: rules.delete_rule(s.deps, s.application_id, s.maya.sub, "default"),
        {"maya"},
    ),
    "an available period is written": (nothing, lambda s: s.write_period(s.maya), {"maya"}),
    "an available period is moved": (
        lambda s: s.write_period(s.maya),
        lambda s: s.write_period(s.maya, hours=1),
        {"maya"},
    ),
    "an available period is deleted": (
        lambda s: s.write_period(s.maya),
        lambda s: rules.delete_available_periods(s.deps, s.application_id, s.maya.sub, "once"),
        {"maya"},
    ),
    "all available periods are deleted": (
        lambda s: s.write_period(s.maya),
        lambda s: rules.delete_available_periods(s.deps, s.application_id, s.maya.sub, None),
        {"maya"},
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_the_versions_of_exactly_those_grow_whose_availability_changes(scene: Scene, what: str) -> None:
    before, happens, expected = CHANGES[what]
    await before(scene)
    rows, versions = await scene.availability(), await scene.versions()
    await happens(scene)
    rows_now, versions_now = await scene.availability(), await scene.versions()
    changed = {sub for sub in rows.keys() | rows_now.keys() if rows.get(sub) != rows_now.get(sub)}
    assert scene.names(changed) == expected, "what the rows say"
    grown = {sub for sub in versions_now if versions_now[sub] > versions[sub]}
    assert scene.names(grown) == expected, "what the versions say"


async def test_an_account_has_a_version_from_the_start(scene: Scene) -> None:
    await open_account(scene)
    async with scene.store.reading() as connection:
        made = await accounts.find_application_calendar(connection, scene.application_id, "newcomer")
    assert made is not None and made.version == (await scene.versions())[made.sub] > 0


async def read_only(scene: Scene) -> None:
    await scene.link(scene.maya)
    query = terms(scene.maya.sub, scene.jonas.sub).query
    await busy.read_free_time(scene.deps, scene.application_id, query, NOW)
    async with scene.store.reading() as connection:
        everybody = [scene.maya.sub, scene.jonas.sub]
        await rule_rows.rules_of(connection, scene.application_id, everybody)
        await period_rows.available_periods_of(connection, scene.application_id, everybody, NOW, NOW + DAY)
        await period_rows.subs_with_any(connection, scene.application_id, everybody)


async def delete_what_is_not_there(scene: Scene) -> None:
    for available_period_id in ("no such", None):
        await rules.delete_available_periods(scene.deps, scene.application_id, scene.maya.sub, available_period_id)


async def release_what_is_not_held(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        subs = [scene.maya.sub, scene.jonas.sub]
        await bookings.release_ended_holds(connection, scene.application_id, subs, NOW + DAY)
        await bookings.release_excluded(connection, scene.application_id, subs, ["interview"])
        await bookings.release_event(connection, scene.application_id, scene.maya.calendar_id, "interview")


async def rename(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await accounts.set_display_name(connection, scene.application_id, scene.maya.sub, "Maya Okafor")


@pytest.mark.parametrize("step", [read_only, delete_what_is_not_there, release_what_is_not_held, rename])
async def test_what_changes_nothing_leaves_the_versions_alone(scene: Scene, step: Step) -> None:
    versions, rows = await scene.versions(), await scene.availability()
    await step(scene)
    assert await scene.availability() == rows
    assert await scene.versions() == versions


async def test_a_change_that_is_rolled_back_changes_no_version(scene: Scene) -> None:
    versions = await scene.versions()
    with pytest.raises(RuntimeError):
        async with scene.store.transaction() as connection:
            await accounts.touch(connection, scene.application_id, [scene.maya.sub])
            raise RuntimeError
    assert await scene.versions() == versions


async def test_whoever_frees_others_locks_them_in_the_one_order(scene: Scene) -> None:
    """The organiser's event is moved while somebody holds the lock of a person named in it: the organiser's own
    account is not kept meanwhile, so that the other can take it next, in order, and nobody waits in a circle."""
    if scene.store.database.dialect == "sqlite":
        return  # one writer holds everything
    named, organiser = sorted((scene.maya, scene.jonas), key=lambda owner: owner.sub)
    await scene.book(await scene.link(organiser, named, event_creation="single"))
    async with asyncio.timeout(20):
        async with scene.store.transaction() as connection:
            await accounts.lock(connection, scene.application_id, [named.sub])
            moving = asyncio.create_task(scene.write(organiser, "interview", 5))
            await asyncio.sleep(0.3)
            assert not moving.done(), "it waits for the person that it frees"
            await accounts.lock(connection, scene.application_id, [organiser.sub])
        await moving
    async with scene.store.reading() as connection:
        held = await bookings.holds_between(
            connection, scene.application_id, [named.sub], TOMORROW, TOMORROW + DAY, NOW
        )
    assert held == []


async def test_people_booked_while_an_events_lock_is_waited_for_are_locked_too(scene: Scene) -> None:
    """Whom an event's booking holds is read under its owner's lock, not before."""
    if scene.store.database.dialect == "sqlite":
        return  # one writer holds everything
    named, organiser = sorted((scene.maya, scene.jonas), key=lambda owner: owner.sub)
    link = await scene.link(organiser, named, event_creation="single")
    async with asyncio.timeout(20):
        async with scene.store.transaction() as connection:
            await accounts.lock(connection, scene.application_id, [named.sub, organiser.sub])
            moving = asyncio.create_task(scene.write(organiser, "interview", 5))
            await asyncio.sleep(0.2)
            booked = booking_of(scene, link, organiser, named)
            await bookings.insert_booking(connection, scene.application_id, "interview", booked, NOW)
        versions = await scene.versions()
        await moving
    assert (await scene.versions())[named.sub] > versions[named.sub]


def booking_of(scene: Scene, link: Link, organiser: Owner, named: Owner) -> Booking:
    write = EventWrite(organiser.sub, organiser.calendar_id, {})
    return booking_row(link, (organiser.sub, named.sub), TOMORROW, TOMORROW + HOUR, writes=(write,))
