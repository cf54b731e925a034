"""Keys at rest: whether the ones at hand open what is stored, and moving everything to the newest.

A key is written down in `keys_in_use` before it seals anything, so that a start need not read every row to know which
keys the data needs. Where a key that is written down is not at hand, the rows decide.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slotlink.domain.event import wire_time
from slotlink.errors import ConfigurationError
from slotlink.services.deps import Deps
from slotlink.settings import KEY_FILE
from slotlink.store import keys
from slotlink.store.database import own_file
from slotlink.store.keys import KeyInUse, SealedColumn, SealedValue
from slotlink.vault import sealed_by

COUNTED_AT_ONCE = 5000  # rows of one reading
LEAVING_S = (0.1, 0.3, 0.6, 1.0)  # PostgreSQL lists a process that has ended for a moment longer
RESEALED_AT_ONCE = 200  # rows of one transaction: some ten milliseconds of a lock

Rows = dict[str, int]  # by table


@dataclass(frozen=True, slots=True)
class KeyUse:
    """A key that is in the ring, or that something was sealed with. `first_used_at`: None when it never was."""

    key_id: str
    in_ring: bool
    newest: bool
    first_used_at: int | None
    rows: Rows

    @property
    def since(self) -> str | None:
        return None if self.first_used_at is None else wire_time(self.first_used_at)

    @property
    def standing(self) -> str:
        return "newest" if self.newest else "" if self.in_ring else "missing"

    def as_json(self) -> dict[str, Any]:
        return {
            "key_id": self.key_id,
            "in_ring": self.in_ring,
            "newest": self.newest,
            "first_used_at": self.since,
            "rows": self.rows,
        }


@dataclass(slots=True)
class Rotation:
    """What was sealed again with the newest key; `refused` says which rows did not open, and why."""

    resealed: Rows = field(default_factory=dict[str, int])
    refused: list[str] = field(default_factory=list[str])
    keys: list[KeyUse] = field(default_factory=list[KeyUse])

    @property
    def removable(self) -> list[str]:
        """Keys of the ring that nothing is sealed with any more."""
        return [key.key_id for key in self.keys if key.in_ring and not key.rows and not key.newest]

    @property
    def faults(self) -> list[str]:
        """Why an older key is still needed."""
        left = [
            f"key {key.key_id} still seals {told(key.rows)}; where nothing else is said of them, a server or worker "
            "was started with an older list: restart it, then rotate again"
            for key in self.keys
            if key.rows and not key.newest
        ]
        return self.refused + left

    def as_text(self) -> list[str]:
        resealed = told(self.resealed) or "nothing, as all of it was already"
        return [
            f"sealed again with {self.keys[0].key_id}: {resealed}",
            *(f"nothing is sealed with {key_id} any more: take it out of the list" for key_id in self.removable),
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "newest": self.keys[0].key_id,
            "resealed": self.resealed,
            "removable": self.removable,
            "refused": self.refused,
            "keys": [key.as_json() for key in self.keys],
        }


def told(rows: Mapping[str, int]) -> str:
    """`3 rows of client_secrets, 1 row of links`, or nothing."""
    return ", ".join(f"{count} row{'s' if count > 1 else ''} of {table}" for table, count in rows.items() if count)


async def check_keys(deps: Deps, now: int, *, serving: bool) -> None:
    """Before anything is sealed or opened. Writes down the keys that are used from now on.

    Raises ConfigurationError when a key that sealed something is missing, or does not open what it sealed; and when a
    process that is not `serving` would bring a key into use that running servers cannot know."""
    ring, newest = deps.vault.key_ids, deps.vault.key_ids[0]
    async with deps.database.reading() as connection:
        known = {key.key_id: key for key in await keys.in_use(connection)}
    sealed = {newest: Counter[str]()}
    missing = [key_id for key_id in known if key_id not in ring]
    if missing or not known:
        # Reads every row. That is the first start of all, or the first after a key was taken out of the ring.
        sealed |= await _count_by_key(deps)
    faults = _faults(deps, known.values(), sealed)
    if faults:
        raise ConfigurationError("\n".join(faults))
    used = [key_id for key_id in sealed if key_id not in known]
    never_used = newest not in known and not sealed[newest] and (known or any(sealed.values()))
    if never_used and not serving and await _others_work(deps):
        raise ConfigurationError(
            f"a server or worker is running that was not started with key {newest}, the first of the list: it could "
            "not open what is sealed with it. Restart it with this list, then run the command again"
        )
    # A younger key than our newest belongs to a process that was given it already, and may be about to use it.
    since = known[newest].first_used_at if newest in known else now
    done_with = [key_id for key_id in missing if known[key_id].first_used_at < since]
    if used or done_with:
        async with deps.database.transaction() as connection:
            for key_id in used:
                await keys.remember(connection, KeyInUse(key_id, deps.vault.check_value(key_id), now))
            for key_id in done_with:
                await keys.forget(connection, key_id)


async def find_faults(deps: Deps) -> list[str]:
    """What is wrong with the keys at hand, by every row; nothing is written."""
    async with deps.database.reading() as connection:
        known = await keys.in_use(connection)
    return _faults(deps, known, await _count_by_key(deps))


async def list_keys(deps: Deps) -> list[KeyUse]:
    """Every key of the ring, newest first, then those that are missing from it."""
    async with deps.database.reading() as connection:
        known = {key.key_id: key.first_used_at for key in await keys.in_use(connection)}
    sealed = await _count_by_key(deps)
    ring = deps.vault.key_ids
    missing = [key_id for key_id in dict.fromkeys([*known, *sealed]) if key_id not in ring]
    return [
        KeyUse(key_id, key_id in ring, key_id == ring[0], known.get(key_id), dict(sealed.get(key_id, {})))
        for key_id in (*ring, *missing)
    ]


async def rotate(deps: Deps) -> Rotation:
    """Seal again with the newest key whatever an older one sealed, batch by batch; `check_keys` has been through.

    A server may work beside, and a rotation that was broken off goes on with what is left when it is run again."""
    done = Rotation()
    for column in keys.sealed_columns():
        done.resealed[column.table.name] = await _rotate_column(deps, column, done.refused)
    done.keys = await list_keys(deps)
    return done


async def _rotate_column(deps: Deps, column: SealedColumn, refused: list[str]) -> int:
    count, after = 0, None
    while True:
        async with deps.database.reading() as connection:
            batch = await keys.read_batch(connection, column, after, RESEALED_AT_ONCE)
        if not batch:
            return count
        after = batch[-1].key
        changes: list[tuple[SealedValue, bytes]] = []
        for old in batch:
            if sealed_by(old.value) != deps.vault.key_ids[0]:
                try:
                    changes.append((old, deps.vault.seal(deps.vault.open(old.value, old.row), old.row)))
                except ConfigurationError as error:
                    refused.append(str(error))
        if changes:
            began = time.monotonic()
            count += await _put(deps, column, changes)
            # SQLite's writers try for the lock now and then: half of the time it is theirs.
            await asyncio.sleep(time.monotonic() - began)


async def _put(deps: Deps, column: SealedColumn, changes: Sequence[tuple[SealedValue, bytes]]) -> int:
    async with deps.database.transaction() as connection:
        replaced = await keys.replace_values(connection, column, changes, waits=False)
    count = len(replaced)
    for change in changes:
        if change[0].key not in replaced:
            # Somebody held the row: waited for alone, it cannot be waited for in a circle.
            async with deps.database.transaction() as connection:
                count += len(await keys.replace_values(connection, column, [change], waits=True))
    return count


async def _others_work(deps: Deps) -> bool:
    """Whether a server or worker is at the database, as far as can be told from here."""
    if deps.settings.sqlite_path is None:
        for pause in LEAVING_S:
            async with deps.database.reading() as connection:
                if not await keys.others_are_connected(connection):
                    return False
            await asyncio.sleep(pause)
        return True
    try:
        own_file(deps.settings.sqlite_path)
    except ConfigurationError:
        return True
    return False


async def _count_by_key(deps: Deps) -> dict[str, Counter[str]]:
    """How many rows of which table each key has sealed."""
    found: dict[str, Counter[str]] = {}
    for column in keys.sealed_columns():
        after = None
        while True:
            async with deps.database.reading() as connection:
                batch = await keys.read_batch(connection, column, after, COUNTED_AT_ONCE, only_key_ids=True)
            if not batch:
                break
            after = batch[-1].key
            for sealed in batch:
                found.setdefault(sealed_by(sealed.value), Counter())[column.table.name] += 1
    return found


def _faults(deps: Deps, known: Iterable[KeyInUse], sealed: Mapping[str, Rows]) -> list[str]:
    """A sentence for each key that is missing although it is needed, or that does not open what it should."""
    where = "SLOTLINK_SECRET_KEYS"
    if deps.settings.embedded:
        where += f" (else {KEY_FILE} in SLOTLINK_DATA_DIR)"
    faults = [
        f"{where} does not hold key {key_id}, which sealed {told(rows)}; put it back at the end of the list"
        for key_id, rows in sealed.items()
        if rows and key_id not in deps.vault.key_ids
    ]
    faults += [
        f"key {key.key_id} does not open what the database keeps to check it; the row of keys_in_use was altered: "
        "restore the database from a backup"
        for key in known
        if key.key_id in deps.vault.key_ids and not deps.vault.opens_check_value(key.key_id, key.check_value)
    ]
    return faults
