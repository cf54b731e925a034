"""What a commit may change of the outbox, and what has to be in it. Written without the program's own rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import msgspec

from slotlink.vault import Vault
from tests.simulation.image import PAUSES
from tests.simulation.rows import Row, Rows
from tests.simulation.scheduling_rules import terms_of

NEVER_CHANGES = ("application_id", "kind", "link_id", "url", "host", "sealed_body", "created_at")
MOST_ATTEMPTS = len(PAUSES) + 1
LEASE_S = 36
CLOCKS_DIFFER_S = 60  # what lies further ahead than leases and pauses reach and clocks differ is not believed
FURTHEST_S = 33 + CLOCKS_DIFFER_S


class Heard(Protocol):
    """What the receivers of the run know."""

    accepted: dict[str, int]  # times that an answer of 2xx was given, by item
    refused_for_good: set[str]  # items answered with 410
    asked_for_s: dict[str, int]  # what the last answer of 429 asked for, by item


def body_of(vault: Vault, item: Row) -> bytes:
    return vault.open(item.sealed_body, f"outbox/{item.application_id}/{item.item_id}").encode()


def content_of(vault: Vault, item: Row) -> Any:
    return msgspec.json.decode(body_of(vault, item))


def broken_by(
    old: Rows, new: Rows, changed: set[str], vault: Vault, heard: Heard, owner: str | None, clock_was_set: bool
) -> Iterator[str]:
    """`owner`: the name of the worker on the node whose commit this is."""
    if changed & {"bookings", "outbox"}:
        yield from _promises(old, new, vault)
    if "outbox" in changed:
        for item_id, before in old.outbox.items():
            after = new.outbox.get(item_id)
            if after is None:
                yield f"I4: item {item_id} has vanished"
            elif after != before:
                yield from _step(before, after, heard, owner)
                attempt = new.outbox_attempts.get((item_id, after.attempts))
                if after.attempts > before.attempts and attempt is not None and not clock_was_set:
                    yield from _pause(after, attempt, heard)
    if changed & {"outbox", "outbox_attempts"}:
        numbers: dict[str, list[int]] = {}
        for item_id, number in sorted(new.outbox_attempts):
            numbers.setdefault(item_id, []).append(number)
        for item_id, item in new.outbox.items():
            if numbers.get(item_id, []) != list(range(1, item.attempts + 1)):
                yield f"{item_id} counts {item.attempts} attempts, and has {numbers.get(item_id)}"


def _promises(old: Rows, new: Rows, vault: Vault) -> Iterator[str]:
    """The commit that books promises the callback, once; no other does."""
    promised: dict[str, list[Any]] = {}
    for item_id, item in new.outbox.items():
        if item_id not in old.outbox:
            content = content_of(vault, item)
            if content["notification"]["type"] == "real_time_scheduling_completed":
                promised.setdefault(item.link_id, []).append((item, content))
                if item.link_id in old.bookings or item.link_id not in new.bookings:
                    yield f"I4: {item_id} tells of a completion of {item.link_id} that this commit did not make"
    for link_id, booking in new.bookings.items():
        if link_id in old.bookings:
            continue
        link = new.links[link_id]
        url = terms_of(link.terms)["callback_urls"].get("completed_url")
        items = promised.get(link_id, [])
        if len(items) != (0 if url is None else 1):
            yield f"I4: the completion of {link_id} promised {len(items)} callbacks, to {url}"
        for item, content in items:
            told = content["real_time_scheduling"]
            people = {sub for (of, sub) in new.booking_participants if of == link_id}
            if (
                item.url != url
                or told["status"] != "completed"
                or told["real_time_scheduling_id"] != link_id
                or content["event"] != told["event"]
                or told["event"] != msgspec.json.decode(link.event)
                or content["user"]["tzid"] != booking.tzid
                or {participant["sub"] for participant in content["participants"]} != people
            ):
                yield f"I4: the callback of {link_id} says {content}"


def _step(before: Row, after: Row, heard: Heard, owner: str | None) -> Iterator[str]:
    name = f"item {after.item_id}"
    for member in NEVER_CHANGES:
        if getattr(before, member) != getattr(after, member):
            yield f"I4: {member} of {name} changed"
    if before.state != "waiting":
        yield f"{name} was {before.state} and changed"
    if after.fence < before.fence or after.attempts - before.attempts not in (0, 1):
        yield f"{name} went from fence {before.fence} to {after.fence} with {after.attempts} attempts"
    if after.lease_owner is not None and after.fence > before.fence:
        at = after.lease_until - LEASE_S
        if before.attempts > before.replayed_after and at < before.due_at <= at + FURTHEST_S:
            yield f"{name} was claimed at {at}, and is due at {before.due_at}"
        if before.lease_owner is not None and at < before.lease_until <= at + LEASE_S + CLOCKS_DIFFER_S:
            yield f"{name} was claimed at {at}, and {before.lease_owner} holds it until {before.lease_until}"
    if after.attempts > before.attempts:
        if before.lease_owner != owner:
            yield f"{name} is in the hands of {before.lease_owner}, and was settled by {owner}"
        if after.lease_owner is not None or after.lease_until is not None:
            yield f"{name} was settled, and {after.lease_owner} holds it until {after.lease_until}"
    elif after.state != before.state:
        yield f"{name} became {after.state} without an attempt"
    if after.state == "delivered" and not heard.accepted.get(after.item_id):
        yield f"I4: {name} is delivered, and nobody has accepted it"
    if after.state == "dead" and after.item_id not in heard.refused_for_good and after.attempts < MOST_ATTEMPTS:
        yield f"I4: {name} was given up after {after.attempts} attempts"


def _pause(item: Row, attempt: Row, heard: Heard) -> Iterator[str]:
    """After a failure: as long as the schedule says, or the receiver asked for."""
    if item.state == "waiting":
        pause = PAUSES[item.attempts - item.replayed_after - 1]
        asked = heard.asked_for_s.get(item.item_id, 0) if attempt.status_code == 429 else 0
        if item.due_at < attempt.at + max(pause, asked):
            yield f"item {item.item_id} is due at {item.due_at}, {pause} or {asked} s after {attempt.at}"
