"""Ask the engine: who is free, and which of the things a query names exist at all."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine
from slotlink.domain.query import Query, ResponseFormat, with_free
from slotlink.errors import FieldError, InvalidRequest
from slotlink.services.busy import FreeTime, read_free_time
from slotlink.services.deps import Deps
from slotlink.store import accounts

NOT_RECOGNIZED = FieldError("errors.not_recognized", "not recognized; use an id that this application has authorized")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is available, with the question it answers: `Available.participants` are indexes into `asked.members`."""

    available: list[engine.Available]
    asked: engine.AvailabilityQuery
    free_time: FreeTime

    def subs(self, available: engine.Available) -> list[str]:
        return [self.asked.members[index].sub for index in available.participants]


async def find_availability(
    deps: Deps, application_id: str, query: Query, response_format: ResponseFormat, max_results: int, now: int
) -> Answer:
    """Answer a query. Raises InvalidRequest for unknown subs and calendars."""
    async with deps.database.reading() as connection:
        refuse_unknown(await unknown_members(connection, application_id, query, ""))
    free_time = await read_free_time(deps, application_id, query, now)
    asked = with_free(query, free_time.of, limit=max_results)
    if response_format == "periods":
        available = engine.available_periods(asked)
    else:
        available = engine.available_slots(asked, overlapping=response_format == "overlapping_slots")
    return Answer(available, asked, free_time)


async def unknown_members(
    connection: AsyncConnection, application_id: str, query: Query, prefix: str
) -> dict[str, list[FieldError]]:
    """Every `sub` and `calendar_id` of the query that this application cannot use, by path."""
    owners = await accounts.find(connection, application_id, query.subs)
    calendars = {
        (calendar.sub, calendar.calendar_id)
        for calendar in await accounts.list_calendars(connection, application_id, query.subs)
        if not calendar.deleted
    }
    unknown: dict[str, list[FieldError]] = {}
    for i, group in enumerate(query.groups):
        for j, member in enumerate(group.members):
            path = f"{prefix}participants[{i}].members[{j}]"
            owner = owners.get(member.sub)
            if owner is None or owner.revoked:
                unknown[f"{path}.sub"] = [NOT_RECOGNIZED]
                continue
            for k, calendar_id in enumerate(member.calendar_ids or ()):
                if (member.sub, calendar_id) not in calendars:
                    unknown[f"{path}.calendar_ids[{k}]"] = [NOT_RECOGNIZED]
    return unknown


def refuse_unknown(unknown: dict[str, list[FieldError]]) -> None:
    if unknown:
        raise InvalidRequest(unknown)
