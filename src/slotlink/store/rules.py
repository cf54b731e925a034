"""Availability rules of accounts, by the application's own ids. The caller holds the account's lock when it writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.rules import StoredRule
from slotlink.errors import NotFound
from slotlink.store import accounts
from slotlink.store.tables import availability_rules


async def upsert(connection: AsyncConnection, application_id: str, sub: str, stored: StoredRule, now: int) -> None:
    """Write the whole rule: the same id again replaces it."""
    values = {
        "tzid": stored.rule.tzid,
        "calendar_ids": None if stored.calendar_ids is None else _json(stored.calendar_ids),
        "weekly_periods": _json(stored.weekly_periods()),
        "updated_at": now,
    }
    of_rule = _of_rule(application_id, sub, stored.availability_rule_id)
    replaced = await connection.execute(update(availability_rules).where(*of_rule).values(**values))
    if replaced.rowcount == 0:
        key = {"application_id": application_id, "sub": sub, "availability_rule_id": stored.availability_rule_id}
        await connection.execute(insert(availability_rules).values(**key, **values, created_at=now))
    await accounts.touch(connection, application_id, [sub])


async def get(connection: AsyncConnection, application_id: str, sub: str, availability_rule_id: str) -> StoredRule:
    row = (
        await connection.execute(select(availability_rules).where(*_of_rule(application_id, sub, availability_rule_id)))
    ).one_or_none()
    if row is None:
        raise NotFound(f"no availability rule {availability_rule_id!r}")
    return _stored(row)


async def list_rules(connection: AsyncConnection, application_id: str, sub: str) -> list[StoredRule]:
    """Every rule of the account, in the order they were first made."""
    return (await rules_of(connection, application_id, [sub])).get(sub, [])


async def rules_of(
    connection: AsyncConnection, application_id: str, subs: Sequence[str]
) -> dict[str, list[StoredRule]]:
    """Every rule of these accounts, by sub. Whoever has none is not in it."""
    rows = await connection.execute(
        select(availability_rules)
        .where(availability_rules.c.application_id == application_id, availability_rules.c.sub.in_(subs))
        .order_by(availability_rules.c.created_at, availability_rules.c.availability_rule_id)
    )
    found: dict[str, list[StoredRule]] = {}
    for row in rows:
        found.setdefault(row.sub, []).append(_stored(row))
    return found


async def remove(connection: AsyncConnection, application_id: str, sub: str, availability_rule_id: str) -> None:
    """Raises NotFound."""
    gone = await connection.execute(
        delete(availability_rules).where(*_of_rule(application_id, sub, availability_rule_id))
    )
    if gone.rowcount == 0:
        raise NotFound(f"no availability rule {availability_rule_id!r}")
    await accounts.touch(connection, application_id, [sub])


def _of_rule(application_id: str, sub: str, availability_rule_id: str) -> tuple[Any, ...]:
    return (
        availability_rules.c.application_id == application_id,
        availability_rules.c.sub == sub,
        availability_rules.c.availability_rule_id == availability_rule_id,
    )


def _stored(row: Row[*tuple[Any, ...]]) -> StoredRule:
    return StoredRule.of(
        row.availability_rule_id,
        row.tzid,
        msgspec.json.decode(row.weekly_periods),
        None if row.calendar_ids is None else msgspec.json.decode(row.calendar_ids),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
