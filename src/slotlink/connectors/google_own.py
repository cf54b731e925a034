"""How an event of ours is known again at Google: its id is made of our key, and two private properties go with it.

Private extended properties belong to one copy of an event, so no guest's copy has them. Our UID is among them because
Google makes an iCalUID of its own for whoever chooses the id.
"""

from __future__ import annotations

from base64 import b32hexdecode, b32hexencode
from collections.abc import Mapping
from typing import cast

UID = "slotlinkUid"
INVITES = "slotlinkInvites"
"""`1` where Google sends the invitations, and so the cancellation as well."""


def own_id(key: str) -> str:
    """base32hex (RFC 4648 section 7), which has the very letters that Google allows; a key of 3 bytes is the least."""
    return b32hexencode(key.encode("utf-8", "replace")).decode().rstrip("=").lower()


def own_uid(event: Mapping[str, object]) -> str | None:
    """Our UID of an event that has an id of ours. A person's duplicate of it has the property and another id."""
    uid = private_property(event, UID)
    event_id = event.get("id")
    if uid is None or not isinstance(event_id, str):
        return None
    try:
        key = b32hexdecode(event_id.upper() + "=" * (-len(event_id) % 8)).decode()
    except ValueError:
        return None
    return uid if key and uid.startswith(key) else None


def private_property(event: Mapping[str, object], name: str) -> str | None:
    for member in ("extendedProperties", "private"):
        value: object = event.get(member)
        if not isinstance(value, dict):
            return None
        event = cast("dict[str, object]", value)
    found = event.get(name)
    return found if isinstance(found, str) else None
