"""What of Microsoft Graph's answers we read (learn.microsoft.com/graph/api/resources/event), checked member by member.

Members that we do not name are passed over. Pure."""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar, cast

import msgspec

from slotlink.errors import ProviderUnavailable

T = TypeVar("T")
Json = dict[str, Any]

KEY_ID = "String {5e0c4f3a-2f5b-4a3e-9d0b-7c1f7a6b9e42} Name SlotlinkKey"
"""The extended property by which an event of ours is looked for: `EventWrite.key`."""
OWN_ID = "String {5e0c4f3a-2f5b-4a3e-9d0b-7c1f7a6b9e42} Name SlotlinkEvent"
"""The one that tells our event from copies of it: `<mark> <UID>`, see graph_own.py."""


class _Struct(msgspec.Struct, frozen=True, rename="camel"):
    """Members in Graph's spelling."""


class Zoned(_Struct, frozen=True):
    """A wall clock, `2027-03-05T09:00:00.0000000`, and the zone that it is on: a Windows or an IANA name."""

    date_time: str
    time_zone: str | None = "UTC"


class Address(_Struct, frozen=True):
    name: str | None = None
    address: str | None = None


class Answered(_Struct, frozen=True):
    """none, organizer, tentativelyAccepted, accepted, declined, notResponded."""

    response: str | None = None


class Recipient(_Struct, frozen=True):
    """An attendee, or an organizer."""

    email_address: Address | None = None
    status: Answered | None = None


class Body(_Struct, frozen=True):
    content_type: str | None = None
    content: str | None = None


class Location(_Struct, frozen=True):
    display_name: str | None = None


class OnlineMeeting(_Struct, frozen=True):
    join_url: str | None = None


class Property(_Struct, frozen=True):
    id: str
    value: str | None = None


class Removed(_Struct, frozen=True):
    reason: str | None = None


class Event(_Struct, frozen=True):
    """An event, a series, an occurrence or an exception; in delta also what is left of one."""

    id: str
    etag: str | None = msgspec.field(name="@odata.etag", default=None)
    removed: Removed | None = msgspec.field(name="@removed", default=None)
    i_cal_u_id: str | None = msgspec.field(name="iCalUId", default=None)
    type: str | None = None
    series_master_id: str | None = None
    original_start: str | None = None
    start: Zoned | None = None
    end: Zoned | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    show_as: str | None = None
    sensitivity: str | None = None
    subject: str | None = None
    body: Body | None = None
    location: Location | None = None
    organizer: Recipient | None = None
    attendees: list[Recipient] | None = None
    response_status: Answered | None = None
    is_online_meeting: bool | None = None
    online_meeting: OnlineMeeting | None = None
    transaction_id: str | None = None
    created_date_time: str | None = None
    last_modified_date_time: str | None = None
    properties: list[Property] | None = msgspec.field(name="singleValueExtendedProperties", default=None)

    @property
    def key(self) -> str:
        """The event or series that it belongs to."""
        return self.series_master_id or self.id


class Calendar(_Struct, frozen=True):
    id: str
    name: str | None = None
    hex_color: str | None = None
    is_default_calendar: bool | None = None
    can_edit: bool | None = None
    owner: Address | None = None
    allowed_online_meeting_providers: list[str] | None = None


class Me(_Struct, frozen=True):
    mail: str | None = None
    user_principal_name: str | None = None


class MailboxSettings(_Struct, frozen=True):
    time_zone: str | None = None


class Subscription(_Struct, frozen=True):
    id: str
    expiration_date_time: str


class Page(_Struct, Generic[T], frozen=True):
    """A part of a list; `delta_link` stands on the last page of a round of delta."""

    value: list[T]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)
    delta_link: str | None = msgspec.field(name="@odata.deltaLink", default=None)


class _Fault(_Struct, frozen=True):
    code: str | None = None


class _Failure(_Struct, frozen=True):
    error: _Fault


def read(body: bytes, kind: type[T]) -> T:
    """Raises ProviderUnavailable: what is not of this kind is no answer.

    The standard library reads the text: Graph cuts previews in the middle of a character, which stricter readers
    refuse."""
    try:
        return msgspec.convert(json.loads(body.decode("utf-8", "replace")), kind)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable(f"the answer is no {kind.__name__}: {type(error).__name__}") from error


def code_of(body: bytes) -> str:
    """What an error is called, by which clients are to decide; empty where it has no name."""
    try:
        failure = msgspec.convert(json.loads(body.decode("utf-8", "replace")), _Failure)
    except (ValueError, RecursionError):
        return ""
    return "".join(letter for letter in failure.error.code or "" if letter.isalnum() or letter in "._-")[:80]


def page_of(kind: type[T]) -> type[Page[T]]:
    return cast("type[Page[T]]", Page[kind])  # type: ignore[valid-type] - only known when it runs
