"""What an operation of `/openapi.json` is, and what the operations' examples share. The operations themselves are
listed in `openapi_scheduling.py`, `openapi_calendars.py`, `openapi_channels.py` and `openapi_branding.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from slotlink.web.wire import Wire

Json = dict[str, Any]
Credential = Literal["api_key", "access_token", "body"]

TAGS = {
    "Links": "A link invites one visitor to choose one slot. It is `open` until a slot is chosen (`completed`), the "
    "application disables it (`disabled`), or the time to choose is over (`expired`).",
    "Availability": "When are people free? The same search that a link's page offers from.",
    "Availability rules": "When an account is available at all: every week by rules, once by available periods.",
    "Accounts": "Application calendars: accounts and calendars that this server hosts itself.",
    "Calendars": "The calendars of an account and the events in them.",
    "Channels": "Push notifications: who is told of an account's changes.",
    "Branding": "Ours, not Cronofy's: how the pages of an application's links look, and which sites may embed them.",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """`ok` is the status of success, `answer` the schema of its body (none: it has no body). `faults` are the other
    statuses. `queries` are the members of `query` that this call reads."""

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    credentials: tuple[Credential, ...]
    description: str = ""
    body: type[Wire] | None = None
    form: bool = False
    example: Json = field(default_factory=dict[str, Any])
    query: type[Wire] | None = None
    queries: Sequence[str] = ()
    parameters: tuple[Json, ...] = ()
    ok: int = 200
    answer: str | None = None
    answer_example: Json = field(default_factory=dict[str, Any])
    headers: tuple[str, ...] = ()
    not_modified: bool = False
    faults: tuple[int, ...] = ()
    refused: str = "Errors"  # the schema of 400
    keyed: bool = False  # takes an Idempotency-Key


def parameter(where: str, name: str, description: str, example: str, **schema: Any) -> Json:
    return {
        "name": name,
        "in": where,
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1, **schema},
        "example": example,
    }


IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Yours, another one for everything you make. Sent again within 24 hours with the same content, the "
    "request gets the same answer and nothing is made twice.",
    "schema": {"type": "string", "pattern": "^[!-~]([ -~]*[!-~])?$", "minLength": 1, "maxLength": 255},
    "example": "6f1d2f0c-3b0e-4c55-9c1a-1d0b7a3f7a52",
}
ANA, BEN = "apc_66a4c1f20e5b8d7793c1a2b4", "apc_66a4c1f20e5b8d7793c1a2c8"
ANAS_CALENDAR = "cal_66a4c1f20e5b8d7793c1a2b5"
EVENT = {"event_id": "interview-4711", "summary": "Product manager interview", "tzid": "Europe/London"}
PAGE = parameter("path", "page", "From `pages.next_page`; opaque.", "Wzuf.9PzQ")
PAGES = {"current": 1, "total": 1}
