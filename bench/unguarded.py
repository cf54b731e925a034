"""The same booking without what keeps bookings from going wrong, for the price of that to be seen.

The code that books is `slotlink.services.booking` itself, with parts of it put out of action while a block runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.booking import Booking
from slotlink.domain.link import Link, LinkStatus
from slotlink.services import booking
from slotlink.services.busy import FreeTime
from slotlink.store import bookings, links, tables

DROP_CONSTRAINT = "ALTER TABLE booking_participants DROP CONSTRAINT booking_overlap"


@dataclass(frozen=True)
class Decided:
    """A booking that was decided beforehand."""

    link: Link
    booking: Booking


@contextlib.contextmanager
def unguarded() -> Generator[None]:
    """Look whether the time is free, then write: no account is locked, nobody asks who an earlier booking of the event
    holds, the link is closed whatever its state. For a database whose exclusion constraint was dropped."""
    with (
        patch.object(bookings, "lock_for_release", _nothing),
        patch.object(bookings, "release_ended_holds", _nothing),  # made room under the constraint
        patch.object(links, "close", _close_anyway),
    ):
        yield


@contextlib.contextmanager
def unseen(decided: Mapping[str, Decided]) -> Generator[None]:
    """As `unguarded`, but without looking: write what was decided beforehand, by link."""

    async def get(_connection: AsyncConnection, _vault: object, _application_id: str, link_id: str) -> Link:
        return decided[link_id].link

    def decide(link: Link, *_: Any, **__: Any) -> Booking:
        return decided[link.link_id].booking

    async def free_time(*_: Any, **__: Any) -> FreeTime:
        return FreeTime({}, {}, {}, frozenset(), frozenset())

    async def all_there(*_: Any) -> _AllThere:
        return _AllThere()

    with (
        unguarded(),
        patch.object(links, "get", get),
        patch.object(booking, "ensure_known", _nothing),
        patch.object(booking, "gather_free_time", free_time),
        patch.object(booking, "decide_booking", decide),
        patch.object(booking, "_writable_calendars", all_there),
    ):
        yield


class _AllThere:
    """Every calendar can be written, and is embedded."""

    def __contains__(self, _calendar_id: object) -> bool:
        return True

    def __getitem__(self, _calendar_id: str) -> SimpleNamespace:
        return SimpleNamespace(mirrored=False)


async def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _close_anyway(
    connection: AsyncConnection, application_id: str, link_id: str, new_state: LinkStatus, now: int, **values: Any
) -> None:
    await connection.execute(
        update(tables.links)
        .where(tables.links.c.application_id == application_id, tables.links.c.link_id == link_id)
        .values(state=new_state, **values)
    )
    await links.add_history(connection, application_id, link_id, now, str(new_state), {})
