"""Links: made once, closed once, read for ever."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.event import with_times
from slotlink.domain.link import TRANSITIONS, Json, Link, LinkStatus, Terms
from slotlink.errors import LinkNotOpen, NotFound, UnknownToken
from slotlink.store import accounts, ids
from slotlink.store.database import note_change
from slotlink.store.tables import booking_events, booking_participants, link_history, links
from slotlink.vault import Vault, digest, row_name

NO_TIMES_PAUSE_S = 60  # at most one "no times" callback of a kind in this time, for one link


async def create(
    connection: AsyncConnection, vault: Vault, application_id: str, event: Json, terms: Terms, now: int
) -> Link:
    link_id = ids.new_id("sch")
    token = ids.new_link_token()
    expires_at = terms.query.latest_end
    await connection.execute(
        insert(links).values(
            application_id=application_id,
            link_id=link_id,
            token_sha256=digest(token),
            sealed_token=vault.seal(token, _token_row(application_id, link_id)),
            state=LinkStatus.OPEN,
            expires_at=expires_at,
            event_id=event["event_id"],
            event=_json(event),
            terms=_json(terms),
            created_at=now,
        )
    )
    await add_history(connection, application_id, link_id, now, "created", {})
    return Link(application_id, link_id, token, LinkStatus.OPEN, expires_at, event, terms, None, now)


async def get(connection: AsyncConnection, vault: Vault, application_id: str, link_id: str) -> Link:
    """Raises NotFound for the unknown and for another application's link alike."""
    row = (
        await connection.execute(
            select(links).where(links.c.application_id == application_id, links.c.link_id == link_id)
        )
    ).one_or_none()
    return _link(vault, row, NotFound(f"no link {link_id}"))


async def get_by_token(connection: AsyncConnection, vault: Vault, application_id: str, token: str) -> Link:
    """Raises UnknownToken for the unknown and for another application's alike."""
    row = (
        await connection.execute(
            select(links).where(links.c.application_id == application_id, links.c.token_sha256 == digest(token))
        )
    ).one_or_none()
    return _link(vault, row, UnknownToken("no link has this token"))


async def get_for_visitor(connection: AsyncConnection, vault: Vault, token: str) -> Link:
    """The link behind a page's URL. The token is the visitor's only credential, and names the application too."""
    row = (await connection.execute(select(links).where(links.c.token_sha256 == digest(token)))).one_or_none()
    return _link(vault, row, UnknownToken("no link has this token"))


async def lock(connection: AsyncConnection, application_id: str, link_id: str) -> None:
    """Keep everybody else from changing the link until the transaction ends, and wait for whoever is at it."""
    await connection.execute(
        select(links.c.state)
        .where(links.c.application_id == application_id, links.c.link_id == link_id)
        .with_for_update()
    )


async def close(
    connection: AsyncConnection, application_id: str, link_id: str, new_state: LinkStatus, now: int, **values: Any
) -> None:
    """Move an open link to a closed state, by compare-and-set. Raises LinkNotOpen when somebody was first, NotFound."""
    allowed = [state for state, following in TRANSITIONS.items() if new_state in following]
    changed = await connection.execute(
        update(links)
        .where(links.c.application_id == application_id, links.c.link_id == link_id, links.c.state.in_(allowed))
        .values(state=new_state, **values)
    )
    if changed.rowcount != 1:
        found = await connection.execute(
            select(links.c.state).where(links.c.application_id == application_id, links.c.link_id == link_id)
        )
        state = found.scalar_one_or_none()
        raise NotFound(f"no link {link_id}") if state is None else LinkNotOpen(state)
    note_change(connection)
    await add_history(connection, application_id, link_id, now, str(new_state), {})


async def set_display_message(connection: AsyncConnection, application_id: str, link_id: str, message: str) -> None:
    await connection.execute(
        update(links)
        .where(links.c.application_id == application_id, links.c.link_id == link_id)
        .values(display_message=message)
    )


async def claim_no_times_displayed(connection: AsyncConnection, application_id: str, link_id: str, now: int) -> bool:
    """True for the first caller in a minute: only that one tells the application that no times were shown."""
    changed = await connection.execute(
        update(links)
        .where(
            links.c.application_id == application_id,
            links.c.link_id == link_id,
            func.coalesce(links.c.no_times_displayed_at, 0) <= now - NO_TIMES_PAUSE_S,
        )
        .values(no_times_displayed_at=now)
    )
    return changed.rowcount == 1


async def claim_no_times_suitable(
    connection: AsyncConnection, application_id: str, link_id: str, note: str, now: int
) -> bool:
    """True unless the same note was told in the last minute: a double click is one message, a new note is another."""
    changed = await connection.execute(
        update(links)
        .where(
            links.c.application_id == application_id,
            links.c.link_id == link_id,
            (func.coalesce(links.c.no_times_suitable_at, 0) <= now - NO_TIMES_PAUSE_S)
            | (func.coalesce(links.c.no_times_suitable_note, "") != note),
        )
        .values(no_times_suitable_at=now, no_times_suitable_note=note)
    )
    return changed.rowcount == 1


async def follow_event(
    connection: AsyncConnection,
    application_id: str,
    calendar_id: str,
    event_id: str,
    members: Json,
    start: int,
    end: int,
) -> None:
    """Completed links whose booking wrote this event report its last written values from now on.

    `members` are all that it says now, without times; its zone stays where they name none. Whoever a link's booking
    holds is counted by what the link says; the caller has locked them with `bookings.lock_for_release`."""
    rows = await connection.execute(
        select(links.c.link_id, links.c.event)
        .join(
            booking_events,
            (booking_events.c.application_id == links.c.application_id) & (booking_events.c.link_id == links.c.link_id),
        )
        .where(
            links.c.application_id == application_id,
            links.c.state == LinkStatus.COMPLETED,
            booking_events.c.calendar_id == calendar_id,
            booking_events.c.event_id == event_id,
        )
    )
    following = rows.all()
    for row in following:
        tzid = members.get("tzid") or msgspec.json.decode(row.event)["tzid"]
        event = with_times({"event_id": event_id, **members, "tzid": tzid}, start, end, tzid)
        await connection.execute(
            update(links)
            .where(links.c.application_id == application_id, links.c.link_id == row.link_id)
            .values(event=_json(event))
        )
    if following:
        held = await connection.execute(
            select(booking_participants.c.sub).where(
                booking_participants.c.application_id == application_id,
                booking_participants.c.link_id.in_([row.link_id for row in following]),
                booking_participants.c.blocks,
            )
        )
        await accounts.touch(connection, application_id, held.scalars())


async def add_history(
    connection: AsyncConnection, application_id: str, link_id: str, at: int, what: str, details: Json
) -> None:
    number = (
        select(func.coalesce(func.max(link_history.c.number), 0) + 1)
        .where(link_history.c.application_id == application_id, link_history.c.link_id == link_id)
        .scalar_subquery()
    )
    await connection.execute(
        insert(link_history).values(
            application_id=application_id, link_id=link_id, number=number, at=at, what=what, details=_json(details)
        )
    )


async def history(connection: AsyncConnection, application_id: str, link_id: str) -> list[tuple[int, str, Json]]:
    rows = await connection.execute(
        select(link_history.c.at, link_history.c.what, link_history.c.details)
        .where(link_history.c.application_id == application_id, link_history.c.link_id == link_id)
        .order_by(link_history.c.number)
    )
    return [(row.at, row.what, msgspec.json.decode(row.details)) for row in rows]


def event_text(event: Json) -> str:
    """The bytes under which status answers the event."""
    return _json(event)


def _token_row(application_id: str, link_id: str) -> str:
    return row_name(links.name, application_id, link_id)


def open_token(vault: Vault, sealed: bytes, application_id: str, link_id: str) -> str:
    return vault.open(sealed, _token_row(application_id, link_id))


def _link(vault: Vault, row: Row[*tuple[Any, ...]] | None, otherwise: NotFound) -> Link:
    if row is None:
        raise otherwise
    return Link(
        application_id=row.application_id,
        link_id=row.link_id,
        token=open_token(vault, row.sealed_token, row.application_id, row.link_id),
        state=row.state,
        expires_at=row.expires_at,
        event=msgspec.json.decode(row.event),
        terms=msgspec.json.decode(row.terms, type=Terms),
        display_message=row.display_message,
        created_at=row.created_at,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
