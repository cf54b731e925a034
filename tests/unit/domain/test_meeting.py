"""Guests and meeting rooms of an event: what is asked for, and what it says once more is known."""

from __future__ import annotations

import pytest

from slotlink.domain.event import Json, awaits_room, fill_in, wants_room, with_guests, with_room

BEN, EVE = {"email": "ben@x.test"}, {"email": "eve@x.test"}


@pytest.mark.parametrize(
    ("event", "wants", "awaits"),
    [
        ({}, False, False),
        ({"conferencing": None}, False, False),
        ({"conferencing": {"profile_id": "none"}}, False, False),
        ({"conferencing": {"profile_id": "explicit", "join_url": "https://x.test/"}}, False, False),
        ({"conferencing": {"profile_id": "default"}}, True, True),
        ({"conferencing": {"profile_id": "integrated"}}, True, True),
        ({"conferencing": {"profile_id": "integrated", "join_url": "https://x.test/"}}, True, False),
    ],
    ids=["nothing", "null", "none", "explicit", "default", "integrated", "made"],
)
def test_whose_room_it_is_and_whether_it_is_there(event: Json, wants: bool, awaits: bool) -> None:
    assert (wants_room(event), awaits_room(event)) == (wants, awaits)


def test_a_room_that_is_there_is_named_in_the_texts() -> None:
    event = {"description": "{{cronofy.conferencing.join_url}}", "conferencing": {"profile_id": "default"}}
    made = with_room(event, "https://x.test/", "Google Meet")
    room = {"profile_id": "default", "provider_description": "Google Meet", "join_url": "https://x.test/"}
    assert made["conferencing"] == room
    assert fill_in(made)["description"] == "https://x.test/"
    assert event["conferencing"] == {"profile_id": "default"}, "what was there is not changed"
    called = {"conferencing": {"profile_id": "default", "provider_description": "Ours"}}
    assert with_room(called, "https://x.test/", "Google Meet")["conferencing"]["provider_description"] == "Ours"


def test_one_address_is_one_guest_and_keeps_the_answer() -> None:
    guests = with_guests([], [BEN, EVE, {"email": "BEN@x.test", "display_name": "Ben"}], [])
    assert guests == [
        {"status": "needs_action", "email": "BEN@x.test", "display_name": "Ben"},
        {"status": "needs_action", "email": "eve@x.test"},
    ]
    answered = [{**guests[0], "status": "accepted"}, guests[1]]
    assert with_guests(answered, [BEN], [])[0] == {"status": "accepted", "email": "ben@x.test", "display_name": "Ben"}


def test_whoever_is_taken_off_and_invited_at_once_is_invited_anew() -> None:
    guests = [{**BEN, "status": "declined"}, {**EVE, "status": "accepted"}]
    assert with_guests(guests, [], [{"email": "Ben@X.test"}, {"email": "nobody@x.test"}]) == [guests[1]]
    assert with_guests(guests, [BEN], [BEN]) == [guests[1], {**BEN, "status": "needs_action"}]
