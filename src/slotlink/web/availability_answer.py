"""Availability and sequences as JSON, put together from fragments.

A large answer lists hundreds of people hundreds of times: each person, each set of people and each time is written as
JSON once, and the answer is a join of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from slotlink import engine
from slotlink.domain.event import wire_time
from slotlink.domain.query import Query
from slotlink.domain.sequence import Step
from slotlink.services.availability import Answer, SequencesAnswer

Json = dict[str, Any]
_DATE = len("2027-03-09T")


class _Times(dict[int, bytes]):
    """Instants as JSON texts: those of one day begin alike, and those of one time of day end alike."""

    def __init__(self) -> None:
        super().__init__()
        self._days: dict[int, bytes] = {}
        self._clocks: dict[int, bytes] = {}

    def __missing__(self, instant: int) -> bytes:
        day, second = divmod(instant, engine.DAY)
        if day not in self._days:
            self._days[day] = b'"' + wire_time(instant)[:_DATE].encode()
        if second not in self._clocks:
            self._clocks[second] = wire_time(instant)[_DATE:].encode() + b'"'
        text = self[instant] = self._days[day] + self._clocks[second]
        return text


class _People(dict[tuple[int, ...], bytes]):
    """Participants, as indexes into `members`, as JSON arrays."""

    def __init__(self, members: Sequence[engine.Member]) -> None:
        super().__init__()
        self._each = [msgspec.json.encode({"sub": member.sub}) for member in members]

    def __missing__(self, participants: tuple[int, ...]) -> bytes:
        written = itemgetter(*participants)(self._each)
        text = self[participants] = b"[%b]" % (written if len(participants) == 1 else b",".join(written))
        return text


def availability_body(key: str, answer: Answer, more: Json) -> bytes:
    """`{key: [{start, end, participants}, …]}` and the members of `more`."""
    times, people = _Times(), _People(answer.asked.members)
    listed = b",".join(
        [
            b'{"start":%b,"end":%b,"participants":%b}' % (times[start], times[end], people[participants])
            for start, end, participants in answer.available
        ]
    )
    rest = b"," + msgspec.json.encode(more)[1:-1] if more else b""
    return b'{"%b":[%b]%b}' % (key.encode(), listed, rest)


def sequences_body(steps: Sequence[Step], answer: SequencesAnswer) -> bytes:
    """`{sequences: [{sequence: [{sequence_id, start, end, participants}, …]}, …]}`."""
    times = _Times()
    people = [_People(members) for members in answer.members]
    ids = [msgspec.json.encode(step.sequence_id) for step in steps]

    def written(sequenced: engine.Sequenced) -> bytes:
        return b",".join(
            [
                b'{"sequence_id":%b,"start":%b,"end":%b,"participants":%b}'
                % (ids[step], times[slot.start], times[slot.end], people[step][slot.participants])
                for step, slot in sequenced
            ]
        )

    return b'{"sequences":[%b]}' % b",".join([b'{"sequence":[%b]}' % written(each) for each in answer.sequences])


def explanation(explained: engine.Explanation, query: Query, answer: Answer) -> Json:
    """What takes the starts away, in the order of the request. A member with several rules' calendars is one for each
    choice of calendars."""
    paths = [
        (i, j)
        for i, group in enumerate(query.groups)
        for j, member in enumerate(group.members)
        for _ in answer.free_time.times[member].places
    ]
    return {
        "starts": explained.starts,
        "offered": explained.offered,
        "query_periods": [
            {"start": wire_time(period.start), "end": wire_time(period.end), "starts": starts}
            for period, starts in explained.periods
        ],
        "participants": [
            {
                "required": group.required,
                "starts": group.starts,
                "members": [_member(member, paths[member.index], query, answer) for member in group.members],
            }
            for group in explained.groups
        ],
    }


def _member(member: engine.MemberExplanation, path: tuple[int, int], query: Query, answer: Answer) -> Json:
    asked = query.groups[path[0]].members[path[1]]
    status = answer.free_time.times[asked].status
    return {
        "sub": asked.sub,
        "sync_status": status,
        "starts": member.starts,
        "taken_by": [_taken(taken, unread=status != "active") for taken in member.taken],
    }


def _taken(taken: engine.Taken, *, unread: bool) -> Json:
    reason = "unreadable" if unread and taken.reason == "busy" else taken.reason
    return {
        "reason": reason,
        "starts": taken.starts,
        "offered_without": taken.without,
        **({"availability_rules": list(_parts(taken.parts))} if taken.parts else {}),
    }


def _parts(parts: Iterable[tuple[str, int]]) -> Iterable[Json]:
    return ({"availability_rule_id": name, "starts": starts} for name, starts in parts)
