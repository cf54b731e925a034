"""Ask the engine: who is free, and which of the things a query names exist at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink import engine
from slotlink.domain.account import Account
from slotlink.domain.hours import Stored, hours_of
from slotlink.domain.query import Query, ResponseFormat, with_free
from slotlink.domain.sequence import Step, sequence_steps, whole_query, work_of
from slotlink.errors import FieldError, InvalidRequest
from slotlink.services.busy import FreeTime, read_free_time
from slotlink.services.deps import Deps
from slotlink.store import accounts, rules
from slotlink.store.calendars import list_calendars

NOT_RECOGNIZED = FieldError("errors.not_recognized", "not recognized; use an id that this application has authorized")
EXPLAINING = 4  # times the work of the answer itself, measured with many rules
NO_SUCH_RULE = FieldError("errors.not_recognized", "not an availability rule of this account; write it first")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is available, with the question it answers: `Available.participants` are indexes into `asked.members`."""

    available: list[engine.Available]
    asked: engine.AvailabilityQuery
    free_time: FreeTime


async def find_availability(
    deps: Deps,
    application_id: str,
    query: Query,
    response_format: ResponseFormat,
    max_results: int,
    now: int,
    *,
    explains: bool = False,
) -> Answer:
    """Answer a query, which may then be explained. Raises InvalidRequest for unknown subs, calendars and rules, and for
    one too large to be run."""
    work = query.work * (1 + EXPLAINING if explains else 1)
    path = work_path(query)
    refuse_overwork(work, deps.settings.limit_work, path)
    free_time = await read_free_time(deps, application_id, query, now)
    refuse(_unrecognized(query, free_time, ""))
    asked = with_free(query, free_time.of, limit=max_results)
    # Rules that name calendars of their own make several places of one member.
    refuse_overwork(work * len(asked.members) // len(query.members), deps.settings.limit_work, path)
    cache = deps.cache_for(query)
    if response_format == "periods":
        available = engine.available_periods(asked, cache=cache)
    else:
        available = engine.available_slots(asked, overlapping=response_format == "overlapping_slots", cache=cache)
    return Answer(available, asked, free_time)


def explain(answer: Answer, query: Query) -> engine.Explanation:
    """Why the answer is as it is, by the members of `answer.asked`."""
    free_time = answer.free_time
    restrictions: list[tuple[engine.Restriction, ...]] = []
    for member in query.members:
        time = free_time.times[member]
        if time.status != "active":
            restrictions += [place.restrictions for place in time.places]
            continue
        known = free_time.known[member.sub]
        hours = hours_of(member, known.stored or Stored(), known.within, in_parts=True)
        # What is stored is told rule by rule; quotas, which are not stored, follow.
        restrictions += [
            (*each.restrictions, *place.restrictions[len(each.restrictions) :])
            for each, place in zip(hours, time.places, strict=True)
        ]
    return engine.explain(answer.asked, dict(enumerate(restrictions)))


@dataclass(frozen=True, slots=True)
class SequencesAnswer:
    """The ways to hold every step, and for each step the members that its slots' participants are indexes into."""

    sequences: list[engine.Sequenced]
    members: list[tuple[engine.Member, ...]]


async def find_sequences(
    deps: Deps, application_id: str, steps: Sequence[Step], max_results: int, now: int
) -> SequencesAnswer:
    """Answer a sequence. Raises InvalidRequest as `find_availability`, with the paths of the steps."""
    refuse_overwork(work_of(steps), deps.settings.limit_work, "sequence")
    whole = whole_query(steps)
    most = deps.settings.limit_groups * deps.settings.limit_members
    if len(whole.members) > most:
        raise InvalidRequest.of("sequence", "errors.too_many", f"may name {most} members in all of its steps")
    free_time = await read_free_time(deps, application_id, whole, now)
    unknown: dict[str, list[FieldError]] = {}
    for number, step in enumerate(steps):
        unknown |= _unrecognized(step.whole, free_time, f"sequence[{number}].")
    refuse(unknown)
    asked = sequence_steps(steps, free_time.of)
    if asked is None:
        return SequencesAnswer([], [])
    return SequencesAnswer(
        engine.available_sequences(asked, max_results, cache=deps.cache_for(whole)),
        [step.query.members for step in asked],
    )


def work_path(query: Query) -> str:
    """The member of a query that decides how much work it is."""
    return "query_periods" if query.query_slots is None else "query_slots"


def refuse_overwork(work: int, most: int, path: str) -> None:
    """Refuse a query before it is run, rather than run it slowly."""
    if work > most:
        raise InvalidRequest.of(
            path,
            "errors.too_many",
            f"would have to look at {work:,} starts, member by member; this server takes {most:,}: ask for fewer "
            "members, shorter periods, a longer start_interval, or fewer orders of steps",
        )


async def unknown_members(
    connection: AsyncConnection, application_id: str, query: Query, prefix: str
) -> dict[str, list[FieldError]]:
    """Everything the query names that this application cannot use, by path."""
    owners = await accounts.find(connection, application_id, query.subs)
    calendars: dict[str, set[str]] = {}
    for calendar in await list_calendars(connection, application_id, query.subs):
        if not calendar.deleted:
            calendars.setdefault(calendar.sub, set()).add(calendar.calendar_id)
    stored = await rules.rules_of(connection, application_id, query.subs)
    rule_ids = {sub: {rule.availability_rule_id for rule in of_sub} for sub, of_sub in stored.items()}
    return unrecognized(query, owners, lambda sub: calendars.get(sub, ()), lambda sub: rule_ids.get(sub, ()), prefix)


def _unrecognized(query: Query, free_time: FreeTime, prefix: str) -> dict[str, list[FieldError]]:
    """`unrecognized`, by what was read for the query."""

    def calendars(sub: str) -> Collection[str]:
        return [calendar.calendar_id for calendar in free_time.known[sub].calendars]

    def rule_ids(sub: str) -> Collection[str]:
        stored = free_time.known[sub].stored
        return () if stored is None else [rule.availability_rule_id for rule in stored.rules]

    return unrecognized(query, free_time.accounts, calendars, rule_ids, prefix)


def unrecognized(
    query: Query,
    owners: Mapping[str, Account],
    calendars: Callable[[str], Collection[str]],
    rule_ids: Callable[[str], Collection[str]],
    prefix: str,
) -> dict[str, list[FieldError]]:
    """Every sub, calendar and rule of the query that is not among these, by path; `calendars` and `rule_ids` are asked
    for those of accounts that are there."""
    unknown: dict[str, list[FieldError]] = {}
    for i, group in enumerate(query.groups):
        for j, member in enumerate(group.members):
            owner = owners.get(member.sub)
            if owner is None or owner.revoked:
                unknown[f"{prefix}participants[{i}].members[{j}].sub"] = [NOT_RECOGNIZED]
                continue
            for k, calendar_id in enumerate(member.calendar_ids or ()):
                if calendar_id not in calendars(member.sub):
                    unknown[f"{prefix}participants[{i}].members[{j}].calendar_ids[{k}]"] = [NOT_RECOGNIZED]
            # Without managed availability no rule counts, and several clients send the member all the same.
            for k, rule_id in enumerate(member.availability_rule_ids or ()) if member.managed_availability else ():
                if rule_id not in rule_ids(member.sub):
                    unknown[f"{prefix}participants[{i}].members[{j}].availability_rule_ids[{k}]"] = [NO_SUCH_RULE]
    return unknown


def refuse(unknown: Mapping[str, Sequence[FieldError]]) -> None:
    if unknown:
        raise InvalidRequest(unknown)
