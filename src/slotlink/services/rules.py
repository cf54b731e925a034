"""When an account is available at all: its availability rules and available periods, written by its application."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.errors import FieldError, InvalidRequest
from slotlink.services.deps import Deps
from slotlink.store import accounts, available_periods, rules
from slotlink.store.available_periods import Window
from slotlink.store.calendars import list_calendars


async def write_rule(deps: Deps, application_id: str, sub: str, stored: StoredRule, now: int) -> None:
    """Create or replace a rule. Raises InvalidRequest for calendars that are not the account's, and for one rule more
    than an account may have."""
    async with deps.database.transaction() as connection:
        await accounts.lock_living(connection, application_id, sub)
        faults = await _unknown_calendars(connection, application_id, sub, stored.calendar_ids or ())
        most = deps.settings.limits.rules
        kept = {rule.availability_rule_id for rule in await rules.list_rules(connection, application_id, sub)}
        if stored.availability_rule_id not in kept and len(kept) >= most:
            faults |= _too_many("availability_rule_id", f"an account may have {most} availability rules")
        if faults:
            raise InvalidRequest(faults)
        await rules.upsert(connection, application_id, sub, stored, now)


async def delete_rule(deps: Deps, application_id: str, sub: str, availability_rule_id: str) -> None:
    """Raises NotFound."""
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, application_id, [sub])
        await rules.remove(connection, application_id, sub, availability_rule_id)


async def write_available_period(deps: Deps, application_id: str, sub: str, period: AvailablePeriod) -> None:
    """Create or replace a period. Raises InvalidRequest for one more than an account may have."""
    async with deps.database.transaction() as connection:
        await accounts.lock_living(connection, application_id, sub)
        most = deps.settings.limits.available_periods
        if not await available_periods.has(connection, application_id, sub, period.available_period_id):
            kept = await available_periods.count(connection, application_id, sub, Window())
            if kept >= most:
                raise InvalidRequest(
                    _too_many("available_period_id", f"an account may have {most:,} available periods")
                )
        await available_periods.upsert(connection, application_id, sub, period)


async def delete_available_periods(deps: Deps, application_id: str, sub: str, available_period_id: str | None) -> None:
    """Delete one period, or all of the account's when None. The unknown are deleted already."""
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, application_id, [sub])
        if available_period_id is None:
            await available_periods.remove_all(connection, application_id, sub)
        else:
            await available_periods.remove(connection, application_id, sub, available_period_id)


async def _unknown_calendars(
    connection: AsyncConnection, application_id: str, sub: str, calendar_ids: tuple[str, ...]
) -> dict[str, list[FieldError]]:
    if not calendar_ids:
        return {}
    owned = {
        calendar.calendar_id
        for calendar in await list_calendars(connection, application_id, [sub])
        if not calendar.deleted
    }
    fault = FieldError("errors.not_recognized", "not a calendar of this account; GET /v1/calendars lists them")
    return {
        f"calendar_ids[{number}]": [fault]
        for number, calendar_id in enumerate(calendar_ids)
        if calendar_id not in owned
    }


def _too_many(path: str, limit: str) -> dict[str, list[FieldError]]:
    return {path: [FieldError("errors.too_many", f"{limit}; delete one first, or write to one by its id")]}
