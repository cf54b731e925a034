"""The decision to book, as a function of a link, free times and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from slotlink import engine
from slotlink.domain.booking import (
    BookedParticipant,
    Booking,
    EventWrite,
    decide_booking,
    question,
    without_writes,
)
from slotlink.domain.event import with_times
from slotlink.domain.link import Link, TargetCalendar, Terms
from slotlink.domain.query import Group, Member, Query
from slotlink.errors import CalendarsUnreadable, LinkNotOpen, SlotNotOffered, SlotTaken

HOUR = 3600
NINE = 1_804_237_200  # a Friday
TEN, ELEVEN, NOON = NINE + HOUR, NINE + 2 * HOUR, NINE + 3 * HOUR
NOW = NINE - 3 * HOUR
HOLD_S = 600
EVENT = {"event_id": "e", "summary": "Interview", "tzid": "Europe/London"}
MAYA, JONAS, ADA = Member("maya"), Member("jonas"), Member("ada")


def targets(*subs: str) -> tuple[TargetCalendar, ...]:
    return tuple(TargetCalendar(sub, f"cal_{sub}") for sub in subs)


def link(*members: Member, state: str = "open", event: Any = EVENT, required: int | None = None, **terms: Any) -> Link:
    """A link for an hour between nine and noon."""
    query = Query((Group(members or (MAYA,), required),), HOUR, query_periods=((NINE, NOON),))
    asked = {"tzid": "Europe/London", "redirect_uri": "https://application.test", **terms}
    return Link("app", "sch_1", "t", state, NOON, event, Terms(query, **asked), None, 0)


def free(busy: dict[str, Sequence[tuple[int, int]]] | None = None) -> Any:
    """Everybody's free time: all but what is in `busy`, by sub."""

    def places(member: Member) -> list[engine.Member]:
        taken = [engine.Period(*times) for times in (busy or {}).get(member.sub, ())]
        return [engine.Member(member.sub, engine.free_gaps(taken), None, None, None)]

    return places


def decide(
    of: Link, start: int, places: Any = None, unreadable: frozenset[str] = frozenset(), now: int = NOW
) -> Booking:
    return decide_booking(of, places or free(), unreadable, start, visitor_tzid="Asia/Tokyo", now=now, hold_s=HOLD_S)


def test_a_booking_says_all_that_is_to_be_stored() -> None:
    of = link(MAYA, JONAS, targets=targets("maya"))
    event = with_times(EVENT, TEN, ELEVEN, "Europe/London")
    assert decide(of, TEN) == Booking(
        link_id="sch_1",
        start=TEN,
        end=ELEVEN,
        visitor_tzid="Asia/Tokyo",
        event=event,
        participants=(
            BookedParticipant("maya", True, None),
            BookedParticipant("jonas", True, NOW + HOLD_S),
        ),
        writes=(EventWrite("maya", "cal_maya", event),),
    )
    assert decide(of, TEN).subs == ("maya", "jonas")


@pytest.mark.parametrize(
    ("transparency", "blocks"), [("opaque", True), (None, True), ("unknown", True), ("transparent", False)]
)
def test_a_transparent_event_blocks_nobody(transparency: str | None, blocks: bool) -> None:
    event = EVENT if transparency is None else {**EVENT, "transparency": transparency}
    booking = decide(link(event=event, targets=targets("maya")), TEN)
    assert [participant.blocks for participant in booking.participants] == [blocks]


@pytest.mark.parametrize("state", ["completed", "disabled"])
def test_a_closed_link_is_not_booked(state: str) -> None:
    with pytest.raises(LinkNotOpen) as refused:
        decide(link(state=state), TEN)
    assert refused.value.status == state


def test_an_expired_link_is_not_booked() -> None:
    with pytest.raises(LinkNotOpen) as refused:
        decide(link(), TEN, now=NOON)
    assert refused.value.status == "expired"


def test_a_start_within_the_notice_is_taken_and_one_after_it_is_not() -> None:
    of = link(minimum_notice=2 * HOUR)
    assert decide(of, TEN, now=TEN - 2 * HOUR).start == TEN
    with pytest.raises(SlotTaken):
        decide(of, TEN, now=TEN - 2 * HOUR + 1)
    assert question(of, free(), NOW).earliest_start == NOW + 2 * HOUR
    assert [member.sub for member in question(of, free(), NOW).members] == ["maya"]


UNREADABLE = {"maya": [(NINE - HOUR, NOON + HOUR)]}  # never free, so nothing is offered


@pytest.mark.parametrize(
    ("start", "busy", "unreadable", "error"),
    [
        (TEN, {"maya": [(TEN, ELEVEN)]}, (), SlotTaken),
        (NINE + 7, {}, (), SlotNotOffered),
        (NOON, {}, (), SlotNotOffered),
        (NINE + 7, UNREADABLE, ("maya",), SlotNotOffered),
        (TEN, UNREADABLE, ("maya",), CalendarsUnreadable),
        (TEN, {**UNREADABLE, "jonas": [(TEN, ELEVEN)]}, ("maya",), SlotTaken),
        (TEN, {"maya": UNREADABLE["maya"], "jonas": [(ELEVEN, NOON)]}, ("maya",), CalendarsUnreadable),
        (TEN, {"jonas": [(TEN, ELEVEN)]}, ("somebody",), SlotTaken),
    ],
    ids=[
        "busy",
        "off the grid",
        "too late",
        "never offered, whoever cannot be read",
        "unreadable",
        "another is busy for certain",
        "another is free",
        "who cannot be read does not matter",
    ],
)
def test_a_refusal_says_what_is_certain(start: int, busy: Any, unreadable: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        decide(link(MAYA, JONAS), start, free(busy), frozenset(unreadable))
    assert str(refused.value) not in ("", "None")


def test_within_the_notice_an_unreadable_calendar_is_no_excuse() -> None:
    with pytest.raises(SlotTaken):
        decide(link(minimum_notice=2 * HOUR), TEN, free(UNREADABLE), frozenset({"maya"}), now=TEN - HOUR)


def test_each_target_who_is_booked_gets_the_event_and_so_does_one_outside_the_query() -> None:
    of = link(MAYA, JONAS, ADA, required=2, targets=targets("jonas", "maya", "ada", "room"))
    booking = decide(of, TEN, free({"jonas": [(TEN, ELEVEN)]}))
    assert booking.subs == ("maya", "ada")
    assert [(write.sub, write.calendar_id) for write in booking.writes] == [
        ("maya", "cal_maya"),
        ("ada", "cal_ada"),
        ("room", "cal_room"),
    ]


def test_what_is_written_has_its_conferencing_filled_in_and_what_is_told_has_not() -> None:
    text = "{{ cronofy.conferencing.join_url }}"
    event = {**EVENT, "description": text, "conferencing": {"join_url": "https://meet.test/1"}}
    for creation in ("default", "single"):
        booking = decide(link(event=event, targets=targets("maya"), event_creation=creation), TEN)
        assert booking.event["description"] == text
        assert [write.event["description"] for write in booking.writes] == ["https://meet.test/1"]


def single(*asked: TargetCalendar, **changes: Any) -> Booking:
    of = link(MAYA, JONAS, ADA, targets=asked, event_creation="single", **changes)
    return decide(of, TEN, free({"maya": [(TEN, ELEVEN)]}) if "required" in changes else free())


def test_a_single_event_is_the_first_booked_targets_and_invites_the_others() -> None:
    booking = single(
        TargetCalendar("maya", "cal_maya", {"summary": "Hers"}),
        TargetCalendar("jonas", "cal_jonas", {"summary": "His", "description": "{{cronofy.conferencing.join_url}}"}),
        TargetCalendar("ada", "cal_ada", {"summary": "Never"}, {"email": "ada@x.test"}),
        TargetCalendar("room", "cal_room", None, {"email": "room@x.test"}),
        required=2,
    )
    (write,) = booking.writes
    assert (write.sub, write.calendar_id) == ("jonas", "cal_jonas")
    assert write.event == {
        **with_times(EVENT, TEN, ELEVEN, "Europe/London"),
        "summary": "His",
        "description": "Conferencing details to follow",
        "attendees": [{"email": "ada@x.test", "status": "needs_action"}],
    }
    assert [participant.held_until for participant in booking.participants] == [None, None]


def test_a_single_event_without_anybody_to_invite_names_no_attendees() -> None:
    (write,) = single(*targets("maya", "jonas")).writes
    assert write.event == with_times(EVENT, TEN, ELEVEN, "Europe/London")


def test_who_is_no_target_of_a_single_event_is_held_for_a_while() -> None:
    booking = single(*targets("maya", "jonas"))
    assert [participant.held_until for participant in booking.participants] == [None, None, NOW + HOLD_S]


def test_a_single_event_of_nobody_booked_is_not_written() -> None:
    booking = single(*targets("maya", "room"), required=2)
    assert booking.writes == ()
    assert booking.subs == ("jonas", "ada")
    assert [participant.held_until for participant in booking.participants] == [NOW + HOLD_S] * 2


def test_whoever_loses_every_event_is_held_for_a_while() -> None:
    two = (*targets("maya", "jonas"), TargetCalendar("maya", "second calendar"))
    booking = decide(link(MAYA, JONAS, targets=two), TEN)
    assert without_writes(booking, frozenset(), 7) == booking
    assert without_writes(booking, frozenset({"cal_maya"}), 7) == replace(booking, writes=booking.writes[1:])
    lost = without_writes(booking, frozenset({"cal_maya", "second calendar"}), 7)
    assert lost.writes == booking.writes[1:2]
    assert lost.participants == (BookedParticipant("maya", True, 7), BookedParticipant("jonas", True, None))
