"""Values to JSON, in the shapes of the wire."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from slotlink.domain.account import Calendar, Profile
from slotlink.domain.event import awaits_room, fill_in, local_wire_time, wire_time
from slotlink.domain.link import Link
from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.store.event_listing import EventRow

Json = dict[str, Any]
JSON_TYPE = "application/json; charset=utf-8"


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, JSON_TYPE)


def link_body(link_id: str, url: str, event: bytes, status: str) -> bytes:
    """The body of status and disable. `event` is JSON already. The one place that lays it out, for every path to it."""
    return b'{"real_time_scheduling":{"real_time_scheduling_id":"%b","url":%b,"event":%b,"status":"%b"}}' % (
        link_id.encode(),
        msgspec.json.encode(url),
        event,
        status.encode(),
    )


def etag(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def matches(if_none_match: str | None, tag: str) -> bool:
    """Whether `If-None-Match` names `tag` (RFC 9110 section 13.1.2: weak comparison)."""
    if not if_none_match:
        return False
    return if_none_match.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in if_none_match.split(","))


def created_link(link: Link, url: str, now: int) -> Json:
    """The create answer: what status answers, and `url` once more at the top (C# and production PHP code read it)."""
    return {
        "url": url,
        "real_time_scheduling": {
            "real_time_scheduling_id": link.link_id,
            "url": url,
            "event": link.event,
            "status": str(link.status(now)),
        },
    }


def calendar(value: Calendar) -> Json:
    return {
        "provider_name": value.provider_name,
        "profile_id": value.profile_id,
        "profile_name": value.profile_name,
        **calendar_of_profile(value),
    }


def calendar_of_profile(value: Calendar) -> Json:
    return {
        "calendar_id": value.calendar_id,
        "calendar_name": value.name,
        "calendar_readonly": value.readonly,
        "calendar_deleted": value.deleted,
        "calendar_primary": value.primary,
        "calendar_integrated_conferencing_available": value.conferencing,
        "calendar_attachments_available": False,
        "permission_level": "sandbox",
    }


def profile(value: Profile, relink_url: str | None = None) -> Json:
    """`relink_url`: only of one that is disconnected."""
    relink: Json = {} if relink_url is None else {"profile_relink_url": relink_url}
    return {
        "provider_name": value.provider_name,
        "provider_service": value.provider_service or value.provider_name,
        "profile_id": value.profile_id,
        "profile_name": value.profile_name,
        "profile_connected": value.connected,
        "profile_initial_sync_required": value.initial_sync_required,
        **relink,
    }


def event(row: EventRow, *, localized_tzid: str | None, include_geo: bool) -> Json:
    """An event as `GET /v1/events` lists it. `localized_tzid` wants times as objects with local offsets."""
    details = fill_in(row.details)
    tzid = details.pop("tzid", "Etc/UTC")
    conferencing: Json | None = details.pop("conferencing", None)
    location: Json | None = details.pop("location", None)
    listed: Json = {
        "calendar_id": row.calendar_id,
        "event_uid": row.event_uid,
        "summary": "",
        "description": "",
        "start": _time(row.start, row.start_date, tzid, localized_tzid),
        "end": _time(row.end, row.end_date, tzid, localized_tzid),
        "deleted": row.deleted,
        "created": wire_time(row.created_at),
        "updated": wire_time(row.updated_at),
        "participation_status": "accepted",
        "attendees": [],
        "transparency": "transparent" if row.kind == "free" and not row.deleted else "opaque",
        "status": "cancelled" if row.deleted else "tentative" if row.kind == "tentative" else "confirmed",
        "categories": [],
        "recurring": row.recurring,
        "event_private": False,
        "options": {"delete": True, "update": True, "change_participation_status": False},
        **details,
    }
    if row.event_id is not None:
        listed["event_id"] = row.event_id
    else:
        listed["options"] = {"delete": False, "update": False, "change_participation_status": False}
    if row.recurring:
        listed["series_identifier"] = row.event_uid
    if location:
        listed["location"] = location if include_geo else {"description": location.get("description", "")}
    if conferencing and conferencing.get("join_url"):
        listed["meeting_url"] = conferencing["join_url"]
        listed["conferencing"] = {
            "provider_name": conferencing.get("provider_description", "explicit"),
            "join_url": conferencing["join_url"],
        }
    elif awaits_room(row.details) and not row.deleted:
        listed["conferencing"] = {"pending": True}
    return listed


def busy_period(row: EventRow, *, localized_tzid: str | None, include_ids: bool, include_deleted: bool) -> Json:
    tzid = row.details.get("tzid", "Etc/UTC")
    listed: Json = {
        "calendar_id": row.calendar_id,
        "start": _time(row.start, row.start_date, tzid, localized_tzid),
        "end": _time(row.end, row.end_date, tzid, localized_tzid),
        "free_busy_status": row.kind,
    }
    if include_ids:
        listed["event_uid"] = row.event_uid
        if row.event_id is not None:
            listed["event_id"] = row.event_id
    if include_deleted:
        listed["deleted"] = row.deleted
    return listed


def availability_rule(stored: StoredRule) -> Json:
    """`calendar_ids` is absent where none were named."""
    named: Json = {} if stored.calendar_ids is None else {"calendar_ids": stored.calendar_ids}
    return {
        "availability_rule_id": stored.availability_rule_id,
        "tzid": stored.rule.tzid,
        **named,
        "weekly_periods": stored.weekly_periods(),
    }


def available_period(period: AvailablePeriod, *, localized_tzid: str | None) -> Json:
    return {
        "available_period_id": period.available_period_id,
        "start": _time(period.start, None, period.tzid, localized_tzid),
        "end": _time(period.end, None, period.tzid, localized_tzid),
    }


def _time(instant: int, day: str | None, tzid: str, localized_tzid: str | None) -> str | Json:
    if localized_tzid is None:
        return day or wire_time(instant)
    return {"time": day or local_wire_time(instant, localized_tzid), "tzid": tzid if day else localized_tzid}
