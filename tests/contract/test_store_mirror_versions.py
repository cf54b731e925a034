"""An account's version grows with whatever a read of its calendars elsewhere changes about its availability, and with
nothing else: as tests/contract/test_store_versions.py has it for everything that is ours alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from slotlink.connectors.base import Changes, RemoteObject
from slotlink.errors import ProviderUnavailable
from slotlink.ical import write_event
from slotlink.services.deps import Deps
from slotlink.services.mirror import Poll, apply_live, put_off, read_mirror
from slotlink.services.mirrored import KNOWN_AHEAD_S
from slotlink.services.own_events import let_all_go
from slotlink.settings import Settings
from slotlink.store import accounts, event_writes, mirrors, profiles, tables
from slotlink.store.mirrors import Mirror
from slotlink.vault import new_key
from tests.contract.mirrored_calls import DESCRIBED, Elsewhere, connect_somebody
from tests.contract.store import DAY, HOUR, NOW, Store

SETTINGS = Settings.from_environ(
    {
        "SLOTLINK_SECRET_KEYS": new_key(),
        "SLOTLINK_API_URL": "https://api.test",
        "SLOTLINK_APP_URL": "https://app.test",
    }
)
POLL = Poll(every_s=300, stale_s=900)


class Told:
    """A provider that tells of what it is given. All that a read asks of a connector."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def changes(self, _remote_id: str, _cursor: str | None) -> Changes:
        return self._changes


@dataclass
class Scene:
    store: Store
    deps: Deps
    maya: Elsewhere
    bystander: Elsewhere
    now: int = NOW

    @property
    def own(self) -> tuple[str, str]:
        return self.store.application_id, self.maya.sub

    async def mirror(self) -> Mirror:
        async with self.store.reading() as connection:
            return await mirrors.get_mirror(connection, self.own[0], self.maya.mirror.calendar_id)

    async def claim(self) -> Mirror:
        self.now += 500
        async with self.store.transaction() as connection:
            await mirrors.hasten(connection, self.own[0], [self.maya.mirror.calendar_id], self.now)
        mirror = await self.mirror()
        async with self.store.transaction() as connection:
            [claimed] = await mirrors.claim(connection, [mirror], self.now, 400)
        return claimed

    async def read(self, *found: RemoteObject, removed: Sequence[str] = (), whole: bool = False) -> None:
        told: Any = Told(Changes(found, tuple(removed), f"c{self.now}", whole))
        await read_mirror(self.deps, told, await self.claim(), POLL, self.now)

    async def look(self, *found: RemoteObject) -> None:
        await apply_live(self.deps, await self.mirror(), found, self.now)

    async def version(self, sub: str) -> int:
        async with self.store.reading() as connection:
            return (await accounts.get(connection, self.own[0], sub)).version

    async def availability(self) -> set[Any]:
        """What Maya's availability is made of, as it stands in the tables."""
        calendar, busy, profile = tables.calendars.c, tables.busy_periods.c, tables.profiles.c
        own = (calendar.application_id == self.own[0]) & (calendar.sub == self.own[1])
        ids = select(calendar.calendar_id).where(own)
        statements = (
            select(calendar.calendar_id, calendar.tzid, calendar.deleted, calendar.known_from, calendar.known_until)
            .add_columns(calendar.fresh_until == 0)
            .where(own),
            select(busy.start_at, busy.end_at, busy.kind).where(busy.calendar_id.in_(ids), busy.kind != "free"),
            select(profile.connected, profile.initial_sync_required).where(profile.sub == self.own[1]),
        )
        async with self.store.reading() as connection:
            return {tuple(row) for each in statements for row in await connection.execute(each)}


@pytest.fixture
async def scene(store: Store) -> Scene:
    async with store.transaction() as connection:
        maya = await connect_somebody(store, connection)
        bystander = await connect_somebody(store, connection, "ben@host")
    scene = Scene(store, Deps(store.database, store.vault, SETTINGS), maya, bystander)
    await scene.read(theirs(NOW), whole=True)
    return scene


def theirs(start: int, *, version: str | None = None, recurring: bool = False, key: str = "theirs") -> RemoteObject:
    text = write_event(uid=key, start=start, end=start + HOUR, tzid="Etc/UTC", summary="Theirs", stamp=NOW)
    text = text.replace("END:VEVENT", "RRULE:FREQ=WEEKLY\r\nEND:VEVENT") if recurring else text
    return RemoteObject(key, version or f"{start}{recurring}", text)


def ours(scene: Scene, start: int) -> RemoteObject:
    key = scene.maya.write.write_key
    text = write_event(uid=f"{key}@slotlink", start=start, end=start + HOUR, tzid="Etc/UTC", summary="Ours", stamp=NOW)
    return RemoteObject("ours.ics", f"{start}", text)


def unknown_zone() -> RemoteObject:
    start = NOW + DAY
    text = theirs(start).ical.replace("DTSTART:20270305T090000Z", "DTSTART;TZID=Custom/Nowhere:20270305T090000")
    return RemoteObject("odd", "1", text)


async def disconnect(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await profiles.disconnect(connection, scene.own[0], scene.maya.profile, "refused")


async def connect(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await profiles.connect(connection, scene.store.vault, scene.own[0], scene.maya.profile, "secret")


async def add_calendar(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        of = scene.maya.profile.profile_id
        await mirrors.create_mirror(connection, *scene.own, of, "/second/", DESCRIBED, NOW)


async def move_to_tokyo(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        described = {**DESCRIBED, "tzid": "Asia/Tokyo"}
        await mirrors.describe_mirror(connection, *scene.own, scene.maya.mirror.calendar_id, described)


async def remove_calendar(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await mirrors.remove_mirror(connection, await scene.mirror())


async def remove_profile(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await profiles.remove(connection, scene.own[0], scene.maya.profile)


async def narrow(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await mirrors.narrow(connection, await scene.mirror(), NOW, NOW + DAY)


async def finish(scene: Scene) -> None:
    async with scene.store.transaction() as connection:
        await profiles.finish_initial_sync(connection, scene.own[0], scene.maya.profile)


async def a_day_later(scene: Scene) -> None:
    scene.now += DAY
    await scene.read(theirs(NOW), whole=True)


async def nothing(scene: Scene) -> None:
    pass


Step = Callable[[Scene], Awaitable[Any]]
CHANGES: dict[str, tuple[Step, Step]] = {
    "an event is new": (nothing, lambda s: s.read(theirs(NOW + DAY, key="b"))),
    "an event has moved": (nothing, lambda s: s.read(theirs(NOW + DAY))),
    "an event is gone": (nothing, lambda s: s.read(removed=["theirs"])),
    "an event is missing where all are told": (nothing, lambda s: s.read(whole=True)),
    "an event repeats by now": (nothing, lambda s: s.read(theirs(NOW, recurring=True))),
    "an event was found by a last look": (nothing, lambda s: s.look(theirs(NOW + DAY, key="b"))),
    "an event of ours was moved": (
        lambda s: s.read(ours(s, NOW + 2 * HOUR)),
        lambda s: s.read(ours(s, NOW + 5 * HOUR)),
    ),
    "an event of ours was deleted": (
        lambda s: s.read(ours(s, NOW + 2 * HOUR)),
        lambda s: s.read(removed=["ours.ics"]),
    ),
    "an event cannot be understood": (nothing, lambda s: s.read(unknown_zone())),
    "it can be understood again": (
        lambda s: s.read(unknown_zone()),
        lambda s: s.read(theirs(NOW), whole=True),
    ),
    "the horizon rolls on": (nothing, a_day_later),
    "what is known becomes less": (nothing, narrow),
    "a calendar is new": (nothing, add_calendar),
    "a calendar has another zone": (nothing, move_to_tokyo),
    "a calendar is gone": (nothing, remove_calendar),
    "all events of ours are let go": (nothing, lambda s: let_all_go(s.deps, s.maya.mirror, s.now)),
    "the sign-in is refused": (nothing, disconnect),
    "somebody signs in again": (disconnect, connect),
    "somebody takes their access away": (nothing, remove_profile),
    "everything has been read once": (nothing, finish),
}
NO_CHANGES: dict[str, tuple[Step, Step]] = {
    "nothing has changed": (nothing, lambda s: s.read()),
    "everything is told again": (nothing, lambda s: s.read(theirs(NOW), whole=False)),
    "what was never known is gone": (nothing, lambda s: s.read(removed=["never"])),
    "a last look finds what is known": (nothing, lambda s: s.look(theirs(NOW))),
    "our own event comes back to us": (nothing, lambda s: s.read(ours(s, NOW + 2 * HOUR))),
    "the provider is away": (nothing, lambda s: away(s)),
}


async def away(scene: Scene) -> None:
    await put_off(scene.deps, await scene.claim(), ProviderUnavailable("503"), scene.now + 60)


@pytest.mark.parametrize("what", CHANGES)
async def test_the_version_grows_with_what_changes(scene: Scene, what: str) -> None:
    await known_to_the_provider(scene)
    before, happens = CHANGES[what]
    await before(scene)
    rows, version, other = await scene.availability(), *await both(scene)
    await happens(scene)
    assert await scene.availability() != rows, "what the rows say"
    now, other_now = await both(scene)
    assert now > version and other_now == other


@pytest.mark.parametrize("what", NO_CHANGES)
async def test_the_version_stays_where_nothing_changes(scene: Scene, what: str) -> None:
    await known_to_the_provider(scene)
    before, happens = NO_CHANGES[what]
    await before(scene)
    rows, versions = await scene.availability(), await both(scene)
    await happens(scene)
    assert await scene.availability() == rows and await both(scene) == versions


async def test_what_is_new_may_be_read_as_soon_as_it_is_known(scene: Scene) -> None:
    """And not before: what repeats has been expanded over all of the time that the calendar counts as known for."""
    await scene.read(theirs(NOW, recurring=True))
    last = max(row[0] for row in await scene.availability() if len(row) == 3)
    mirror = await scene.mirror()
    assert mirror.known_until is not None and mirror.known_until - 7 * DAY <= last < mirror.known_until
    assert mirror.known_until == NOW + 500 + KNOWN_AHEAD_S


async def known_to_the_provider(scene: Scene) -> None:
    """Our event is there, as it was written."""
    async with scene.store.transaction() as connection:
        text = ours(scene, NOW + 2 * HOUR).ical
        where = (scene.own[0], scene.maya.mirror.calendar_id, scene.maya.write.event_uid)
        written = {"written_revision": 1, "ical": text, "written_ical": text}
        await event_writes.change(connection, *where, **written)


async def both(scene: Scene) -> tuple[int, int]:
    return await scene.version(scene.maya.sub), await scene.version(scene.bystander.sub)
