"""Calendars elsewhere as operators see them: whether each can be read, and what could not be written there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import calendars, event_writes, profiles


@dataclass(frozen=True, slots=True)
class ListedMirror:
    """One mirrored calendar. `problem`: why it cannot be read, None when it can. `unwritten`: events of ours that its
    provider does not have as they are to be."""

    application_id: str
    sub: str
    calendar_id: str
    provider_name: str
    profile_name: str | None
    problem: str | None
    fresh_at: int | None
    unwritten: int
    unwritten_problem: str | None  # why one of them could not be written


async def list_mirrors(connection: AsyncConnection, now: int, *, only_problems: bool, limit: int) -> list[ListedMirror]:
    """Those of all applications, what is wrong first, then the newest."""
    of_calendar = (
        event_writes.c.application_id == calendars.c.application_id,
        event_writes.c.calendar_id == calendars.c.calendar_id,
        event_writes.c.written_revision != event_writes.c.revision,
    )
    unwritten = select(func.count()).where(*of_calendar).scalar_subquery()
    unwritten_problem = select(func.max(event_writes.c.problem)).where(*of_calendar).scalar_subquery()
    is_wrong = or_(
        profiles.c.connected.is_(False),
        calendars.c.fresh_until.is_(None),
        calendars.c.fresh_until <= now,
        calendars.c.problem.is_not(None),
        unwritten > 0,
    )
    statement = (
        select(
            calendars.c.application_id,
            calendars.c.sub,
            calendars.c.calendar_id,
            calendars.c.problem,
            calendars.c.fresh_at,
            calendars.c.fresh_until,
            profiles.c.provider_name,
            profiles.c.profile_name,
            profiles.c.connected,
            profiles.c.disconnected_reason,
            unwritten.label("unwritten"),
            unwritten_problem.label("unwritten_problem"),
        )
        .join(
            profiles,
            and_(
                profiles.c.application_id == calendars.c.application_id,
                profiles.c.profile_id == calendars.c.profile_id,
            ),
        )
        .where(calendars.c.remote_id.is_not(None), calendars.c.deleted.is_(False))
        .order_by(is_wrong.desc(), calendars.c.created_at.desc(), calendars.c.calendar_id)
        .limit(limit)
    )
    if only_problems:
        statement = statement.where(is_wrong)
    listed: list[ListedMirror] = []
    for row in await connection.execute(statement):
        problem = row.problem
        if not row.connected:
            problem = f"disconnected: {row.disconnected_reason or 'no reason is known'}"
        elif row.fresh_until is None:
            problem = problem or "not read yet"
        elif row.fresh_until <= now:
            problem = problem or "not read for too long"
        listed.append(
            ListedMirror(
                row.application_id,
                row.sub,
                row.calendar_id,
                row.provider_name,
                row.profile_name,
                problem,
                row.fresh_at,
                row.unwritten,
                row.unwritten_problem,
            )
        )
    return listed
