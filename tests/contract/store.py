"""A store under contract: one database, two applications, and rows for tests to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.booking import BookedParticipant, Booking, EventWrite
from slotlink.domain.event import BusyKind, EventTime
from slotlink.domain.link import Link, TargetCalendar, Terms
from slotlink.domain.query import Group, Member, Query
from slotlink.store import applications, bookings, events, links
from slotlink.store.calendars import list_calendars
from slotlink.store.database import Database
from slotlink.store.profiles import create_application_calendar
from slotlink.store.tables import metadata, outbox, outbox_attempts
from slotlink.vault import Vault

NOW = 1_804_150_800  # Thursday 4 March 2027, 09:00 UTC
HOUR = 3600
DAY = 86400
VAULT = Vault([b"k" * 32])


@dataclass(frozen=True)
class Owner:
    """An embedded account with its primary calendar."""

    sub: str
    calendar_id: str
    profile_id: str


@dataclass(frozen=True)
class Store:
    database: Database
    application_id: str
    client_secret: str
    foreign_id: str
    vault: Vault = VAULT

    @classmethod
    async def begin(cls, database: Database) -> Store:
        async with database.transaction() as connection:
            await connection.execute(delete(outbox_attempts))
            await connection.execute(delete(outbox))
            application_id, secret = await applications.create(connection, VAULT, "Globex", NOW)
            foreign_id, _ = await applications.create(connection, VAULT, "Initech", NOW)
        return cls(database, application_id, secret, foreign_id)

    def transaction(self) -> Any:
        return self.database.transaction()

    def reading(self) -> Any:
        return self.database.reading()

    async def person(self, connection: AsyncConnection, name: str = "maya", application_id: str | None = None) -> Owner:
        of = application_id or self.application_id
        account = await create_application_calendar(connection, of, name, NOW)
        [calendar] = await list_calendars(connection, of, [account.sub])
        return Owner(account.sub, calendar.calendar_id, calendar.profile_id)

    async def link(
        self, connection: AsyncConnection, event_id: str = "interview-1", application_id: str | None = None
    ) -> Link:
        event = {"event_id": event_id, "summary": "Interview", "tzid": "Etc/UTC"}
        return await links.create(
            connection, self.vault, application_id or self.application_id, event, terms("apc_1"), NOW
        )

    async def book(
        self,
        connection: AsyncConnection,
        sub: str,
        start: int,
        end: int,
        *,
        blocks: bool = True,
        held_until: int | None = None,
        writes: tuple[EventWrite, ...] = (),
        event_id: str = "interview-1",
        application_id: str | None = None,
    ) -> Link:
        """A booking of `sub` alone, on a link of its own."""
        of = application_id or self.application_id
        link = await self.link(connection, event_id, of)
        await bookings.insert_booking(
            connection, of, event_id, booking(link, (sub,), start, end, blocks, held_until, writes), NOW
        )
        return link

    async def event(
        self,
        connection: AsyncConnection,
        calendar_id: str,
        event_id: str,
        start: int,
        end: int,
        kind: BusyKind = "busy",
        **details: Any,
    ) -> str:
        time = EventTime(start, end, "Etc/UTC")
        return await events.upsert_managed(
            connection, self.application_id, calendar_id, event_id, {"summary": event_id, **details}, time, kind, NOW
        )

    async def rows(self, connection: AsyncConnection, application_id: str | None = None) -> dict[str, list[Any]]:
        """Every row of an application, by table."""
        of = application_id or self.application_id
        return {
            table.name: [
                tuple(row)
                for row in await connection.execute(
                    select(table).where(table.c.application_id == of).order_by(*table.primary_key.columns)
                )
            ]
            for table in metadata.sorted_tables
            if "application_id" in table.c
        }


def terms(*subs: str) -> Terms:
    query = Query(
        groups=(Group(tuple(Member(sub) for sub in subs)),),
        required_duration=HOUR,
        query_periods=((NOW + DAY, NOW + DAY + 8 * HOUR),),
    )
    targets = tuple(TargetCalendar(sub, f"cal_{sub}") for sub in subs)
    return Terms(query=query, tzid="Europe/London", redirect_uri="https://application.test/done", targets=targets)


def booking(
    link: Link,
    subs: tuple[str, ...],
    start: int,
    end: int,
    blocks: bool = True,
    held_until: int | None = None,
    writes: tuple[EventWrite, ...] = (),
) -> Booking:
    participants = tuple(BookedParticipant(sub, blocks, held_until) for sub in subs)
    return Booking(link.link_id, start, end, "Europe/Paris", link.event, participants, writes)
