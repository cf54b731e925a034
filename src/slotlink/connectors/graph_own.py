"""Which events are ours, though people copy them with all that we wrote into them. Pure.

An event gets two extended properties: the key, by which it is searched for, and `<mark> <UID>`. The mark is of the id
that Graph gave, which no copy has, so it can be set only by a second write. Until then it is `-`: the event is ours and
not finished."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from slotlink.connectors.graph_json import KEY_ID, OWN_ID, Event, Json

UNFINISHED = "-"
_TRANSACTION = "slotlink-"  # Outlook on the web gives its own events a transactionId too


def mark(event_id: str) -> str:
    return sha256(event_id.encode("utf-8", "replace")).hexdigest()[:16]


def marked(event: Event) -> bool:
    return _own(event)[0] == mark(event.id)


def uid_of(event: Event) -> str:
    """The UID that we wrote, where it is our event; else Graph's, which is the same in all calendars."""
    seen, uid = _own(event)
    return uid if uid and seen in (UNFINISHED, mark(event.id)) else event.i_cal_u_id or event.id


def ours(events: Sequence[Event], key: str) -> Event | None:
    """Of those that a search for the key has found, the one that we made: never a copy of it.

    Of several that are not finished the oldest: the others are copies, made before we came back."""
    named = [each for each in events if _own(each)[1].startswith(key)]
    unfinished = [
        each for each in named if _own(each)[0] == UNFINISHED and each.transaction_id in (None, transaction(key))
    ]
    unfinished.sort(key=lambda each: each.created_date_time or "")
    return next((each for each in [*filter(marked, named), *unfinished]), None)


def transaction(key: str) -> str:
    """The transactionId of an event: by it a repeated create makes no second one."""
    return f"{_TRANSACTION}{key}"


def may_be_ours(event: Event) -> bool:
    """Lists do not show the property that tells."""
    return (event.transaction_id or "").startswith(_TRANSACTION)


def first_properties(key: str, uid: str) -> list[Json]:
    return [{"id": KEY_ID, "value": key}, {"id": OWN_ID, "value": f"{UNFINISHED} {uid}"}]


def finished_property(event_id: str, uid: str) -> Json:
    return {"id": OWN_ID, "value": f"{mark(event_id)} {uid}"}


def _own(event: Event) -> tuple[str, str]:
    """Mark and UID, both empty where there are none. Only the one property is ever asked for."""
    value = next((each.value for each in event.properties or [] if each.id.endswith(" Name SlotlinkEvent")), None)
    seen, _, uid = (value or "").partition(" ")
    return seen, uid
