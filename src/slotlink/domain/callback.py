"""What a callback says and how it is signed. Bodies are fixed when the booking commits; signatures are made when sent.

Sources: Cronofy's push notification and scheduling trigger pages for the bodies and `Cronofy-HMAC-SHA256`;
Standard Webhooks 1.0 for the three `webhook-` headers. The members `notification`, `real_time_scheduling` and
`user.note`, and the three `type` strings, are ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any, Literal

from slotlink.domain.event import wire_time

CallbackKind = Literal["completed", "no_times_suitable", "no_times_displayed", "problem"]


def completed_body(
    *, event: dict[str, Any], subs: Sequence[str], visitor_tzid: str, link: dict[str, Any], at: int
) -> dict[str, Any]:
    """`event` with object times, `subs` of the people booked, `link` as status answers it."""
    return {
        "event": event,
        "participants": [{"sub": sub} for sub in subs],
        "user": {"tzid": visitor_tzid},
        "notification": _notification("completed", at),
        "real_time_scheduling": link,
    }


def problem_body(*, reason: str, calendar_id: str, sub: str, link: dict[str, Any], at: int) -> dict[str, Any]:
    """Part of a booking could not be kept: `reason` says which, in words. Ours."""
    return {
        "notification": _notification("problem", at),
        "problem": {"reason": reason, "calendar_id": calendar_id, "sub": sub},
        "real_time_scheduling": link,
    }


def no_times_body(
    kind: Literal["no_times_suitable", "no_times_displayed"],
    *,
    event: dict[str, Any],
    visitor_tzid: str,
    note: str | None,
    link: dict[str, Any],
    at: int,
) -> dict[str, Any]:
    user: dict[str, Any] = {"tzid": visitor_tzid}
    if note:
        user["note"] = note
    return {"notification": _notification(kind, at), "real_time_scheduling": link, "event": event, "user": user}


def _notification(kind: CallbackKind, at: int) -> dict[str, Any]:
    return {"type": f"real_time_scheduling_{kind}", "triggered_at": wire_time(at)}


def signature_headers(body: bytes, item_id: str, secrets: Sequence[str], at: int) -> dict[str, str]:
    """Every active secret signs, so that a receiver in the middle of a rotation accepts one of them.

    Cronofy's digests are joined with a bare comma: its clients split without trimming."""
    stamped = f"{item_id}.{at}.".encode() + body
    return {
        "Cronofy-HMAC-SHA256": ",".join(_digest(secret, body) for secret in secrets),
        "webhook-id": item_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join("v1," + _digest(secret, stamped) for secret in secrets),
    }


def _digest(secret: str, content: bytes) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), content, hashlib.sha256)).decode()
