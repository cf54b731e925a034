"""What we answer, as JSON Schema. Written by hand and exact, because answers are rendered without models (`render.py`):
the tests hold every real answer against it."""

from __future__ import annotations

from typing import Any

from slotlink.domain.link import LinkStatus

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def exact(required: Json, optional: Json | None = None, description: str = "") -> Json:
    """An object with these members and no others."""
    schema: Json = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
    return schema | ({"description": description} if description else {})


def array(items: Json) -> Json:
    return {"type": "array", "items": items}


def text(description: str = "", **more: Any) -> Json:
    return {"type": "string", **({"description": description} if description else {}), **more}


def server_id(prefix: str, example: str) -> Json:
    return {"type": "string", "pattern": f"^{prefix}_", "examples": [example]}


FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer", "minimum": 0}
SUB = {"type": "string", "pattern": "^(acc|apc)_[0-9a-f]{24}$", "examples": ["apc_66a4c1f20e5b8d7793c1a2b4"]}
LINK_ID = server_id("sch", "sch_64b1859e8090ea21640c915f")
CALENDAR_ID = server_id("cal", "cal_66a4c1f20e5b8d7793c1a2b5")
PROFILE_ID = server_id("pro", "pro_66a4c1f20e5b8d7793c1a2b6")
SCOPE = text("Granted scopes, separated by spaces.", examples=["read_write"])
TZID = text("IANA time zone name.", examples=["Europe/London"])
TIME = text("In UTC, whole seconds.", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", examples=["2027-03-09T14:00:00Z"])
LOCAL_TIME = text(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d(:\d\d)?)$")
DATE = text(pattern=r"^\d{4}-\d\d-\d\d$", examples=["2027-03-09"])
TRANSPARENCY = {"enum": ["opaque", "transparent", "unknown"]}

_TOKENS = {
    "token_type": {"const": "bearer"},
    "access_token": text("For calls on behalf of the account."),
    "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds for which the access token lives."},
    "refresh_token": text("For `POST /oauth/token`."),
    "scope": SCOPE,
}
_ANSWERS_GIVEN = ("accepted", "declined", "needs_action", "tentative", "unknown")
_ATTENDEE = exact({"email": text(), "status": {"enum": [*_ANSWERS_GIVEN]}}, {"display_name": text()})
_EVENT_TEXTS = {
    "summary": text(),
    "description": text(),
    "url": text(),
    "location": exact({}, {"description": text(), "lat": text(), "long": text()}),
    "reminders": array(exact({"minutes": {"type": "integer"}})),
    "extended_transparency": text(),
    "color": text(pattern="^#[0-9A-Fa-f]{6}$"),
    "locale": text(),
    "tags": {"type": "object", "additionalProperties": array(exact({"value": text()}))},
}
_PROFILE = {
    "provider_name": text(examples=["cronofy"]),
    "provider_service": text(examples=["cronofy"]),
    "profile_id": PROFILE_ID,
    "profile_name": {"type": ["string", "null"]},
    "profile_connected": FLAG,
    "profile_initial_sync_required": FLAG,
}
_RELINK = {
    "profile_relink_url": text("Only when disconnected: where its owner connects it anew.", format="uri"),
}
_CALENDAR_OF_PROFILE = {
    "calendar_id": CALENDAR_ID,
    "calendar_name": text(),
    "calendar_readonly": FLAG,
    "calendar_deleted": FLAG,
    "calendar_primary": FLAG,
    "calendar_integrated_conferencing_available": FLAG,
    "calendar_attachments_available": FLAG,
    "permission_level": {"enum": ["sandbox", "unrestricted"]},
}
_PROFILE_NAMES = {name: _PROFILE[name] for name in ("provider_name", "profile_id", "profile_name")}
_PAGES = exact(
    {"current": {"type": "integer", "minimum": 1}, "total": {"type": "integer", "minimum": 1}},
    {"next_page": text("Absent on the last page. Fetch it as it is, with the same access token.", format="uri")},
)
_OWN_ID = text("The application's own.", pattern="^[ -~]{1,64}$", examples=["default"])
_PERIOD_TIME = {"anyOf": [TIME, exact({"time": LOCAL_TIME, "tzid": TZID})]}
_EVENT_TIME = {"anyOf": [TIME, DATE, exact({"time": {"anyOf": [LOCAL_TIME, DATE]}, "tzid": TZID})]}

ANSWERS: dict[str, Json] = {
    "LinkEvent": exact(
        {"event_id": text(), "summary": text(), "event_private": FLAG, "tzid": TZID},
        {
            **{name: schema for name, schema in _EVENT_TEXTS.items() if name != "summary"},
            "transparency": TRANSPARENCY,
            "conferencing": exact({"profile_id": text()}, {"join_url": text(), "provider_description": text()}),
            "attendees": array(_ATTENDEE),
            "categories": array(text()),
            "start": exact({"time": TIME, "tzid": TZID}, description="Only once a slot was chosen."),
            "end": exact({"time": TIME, "tzid": TZID}, description="Only once a slot was chosen."),
        },
        "The event of the link as it is now. Members that were not given stay absent.",
    ),
    "LinkDetails": exact(
        {
            "real_time_scheduling_id": LINK_ID,
            "url": text("The page on which a visitor chooses a slot. Never changes.", format="uri"),
            "event": ref("LinkEvent"),
            "status": {
                "enum": [str(status) for status in LinkStatus],
                "description": "`open`: no slot chosen yet. `completed`: a slot was chosen. `disabled`: closed before "
                "one was. `expired`: the time to choose is over.",
            },
        }
    ),
    "LinkAnswer": exact({"real_time_scheduling": ref("LinkDetails")}),
    "CreatedLink": exact(
        {"url": text("The same as inside.", format="uri"), "real_time_scheduling": ref("LinkDetails")}
    ),
    "AvailableTime": exact(
        {"start": TIME, "end": TIME, "participants": array(exact({"sub": SUB}))},
        description="A period or a slot, and everybody who is free for it.",
    ),
    "AvailabilityAnswer": {
        "description": "`available_periods` for the response format `periods`, else `available_slots`.",
        "oneOf": [
            exact(
                {name: array(ref("AvailableTime"))},
                {"member_statuses": array(ref("MemberStatus")), "explanation": ref("Explanation")},
            )
            for name in ("available_periods", "available_slots")
        ],
    },
    "SequencesAnswer": exact(
        {
            "sequences": array(
                exact(
                    {
                        "sequence": array(
                            exact(
                                {
                                    "sequence_id": {"type": ["string", "integer"]},
                                    "start": TIME,
                                    "end": TIME,
                                    "participants": array(exact({"sub": SUB})),
                                }
                            )
                        )
                    }
                )
            )
        },
        description="Each `sequence` is one way to hold every step, in the order of time.",
    ),
    "Explanation": exact(
        {
            "starts": COUNT,
            "offered": COUNT,
            "query_periods": array(exact({"start": TIME, "end": TIME, "starts": COUNT})),
            "participants": array(
                exact({"required": COUNT, "starts": COUNT, "members": array(ref("MemberExplanation"))})
            ),
        },
        description="Ours. `starts` counts the starts inside the query periods, of each period, and those at which "
        "enough members of a group can attend.",
    ),
    "MemberExplanation": exact(
        {
            "sub": SUB,
            "sync_status": {"enum": ["active", "pending", "disconnected"]},
            "starts": COUNT,
            "taken_by": array(
                exact(
                    {
                        "reason": text(
                            "`busy`, `buffer`, `unreadable`, `available_periods`, `managed_availability` or "
                            "`availability_constraints[n]`."
                        ),
                        "starts": COUNT,
                        "offered_without": COUNT,
                    },
                    {"availability_rules": array(exact({"availability_rule_id": text(), "starts": COUNT}))},
                )
            ),
        },
        description="`taken_by` names each reason, the starts it takes away from this member, and how many would be "
        "offered to everybody without it; for rules, the starts that each does not allow.",
    ),
    "MemberStatus": exact({"sub": SUB, "sync_status": {"enum": ["active", "pending", "disconnected"]}}),
    "ApplicationCalendar": exact(
        {
            **_TOKENS,
            "application_calendar_id": text(),
            "sub": SUB,
            "linking_profile": exact(_PROFILE_NAMES),
        }
    ),
    "Tokens": exact(
        _TOKENS,
        {"account_id": SUB, "sub": SUB, "linking_profile": exact(_PROFILE_NAMES)},
        "The last three only for a code: whose account it is, and which profile was connected.",
    ),
    "TokenError": exact(
        {"error": {"enum": ["invalid_client", "invalid_grant", "invalid_request", "unsupported_grant_type"]}},
        description="RFC 6749 section 5.2.",
    ),
    "TokenRefusal": {
        "oneOf": [ref("TokenError"), ref("Errors")],
        "description": "`Errors` when it cannot be read at all.",
    },
    "AccountAnswer": exact(
        {
            "account": exact(
                {"account_id": SUB, "name": {"type": ["string", "null"]}, "scope": SCOPE, "default_tzid": TZID},
                {"email": text()},
            ),
            "sub": SUB,
        }
    ),
    "Userinfo": exact(
        {
            "sub": SUB,
            "zoneinfo": TZID,
            "cronofy.type": {"enum": ["account", "application_calendar"]},
            "cronofy.data": exact(
                {
                    "authorization": exact({"scope": SCOPE, "status": {"const": "active"}}),
                    "profiles": array(
                        exact({**_PROFILE, "profile_calendars": array(exact(_CALENDAR_OF_PROFILE))}, _RELINK)
                    ),
                    "conferencing_profiles": {"type": "array", "maxItems": 0},
                },
                description="One key with a dot in its name.",
            ),
            "slotlink": exact({"data_center": text(examples=["us"])}, description="Ours: which server this is."),
        },
        {
            "application_calendar_id": text("Of an application calendar."),
            "email": text("Of a connected account, where the provider says it."),
            "name": text("Of a connected account, where the provider says it."),
        },
    ),
    "ProfilesAnswer": exact({"profiles": array(exact(_PROFILE, _RELINK))}),
    "LinkToken": exact({"link_token": text("For `/oauth/authorize`: five minutes, once.")}),
    "CalendarsAnswer": exact({"sub": SUB, "calendars": array(exact({**_PROFILE_NAMES, **_CALENDAR_OF_PROFILE}))}),
    "CreatedCalendar": exact(
        {
            "calendar": exact(
                {
                    **_PROFILE_NAMES,
                    **{
                        name: _CALENDAR_OF_PROFILE[name]
                        for name in ("calendar_id", "calendar_name", "calendar_readonly", "calendar_deleted")
                    },
                }
            )
        }
    ),
    "Event": exact(
        {
            "calendar_id": CALENDAR_ID,
            "event_uid": server_id("evt_external", "evt_external_66a4c1f20e5b8d7793c1a2b7"),
            "summary": _EVENT_TEXTS["summary"],
            "description": _EVENT_TEXTS["description"],
            "start": _EVENT_TIME,
            "end": _EVENT_TIME,
            "deleted": FLAG,
            "created": TIME,
            "updated": TIME,
            "participation_status": {
                "enum": [*_ANSWERS_GIVEN],
                "description": "The answer of the calendar's owner; `accepted` where nobody asked.",
            },
            "attendees": array(_ATTENDEE),
            "transparency": TRANSPARENCY,
            "status": {"enum": ["cancelled", "confirmed", "tentative", "unknown"]},
            "categories": array(text()),
            "recurring": FLAG,
            "event_private": FLAG,
            "options": exact({"delete": FLAG, "update": FLAG, "change_participation_status": FLAG}),
        },
        {
            **{name: schema for name, schema in _EVENT_TEXTS.items() if name not in ("summary", "description")},
            "event_id": text("Only on events that this application wrote."),
            "series_identifier": text("Only on occurrences of a repeating event."),
            "meeting_url": text(),
            "conferencing": {
                "anyOf": [
                    exact({"provider_name": text(), "join_url": text()}),
                    exact({"pending": {"const": True}}, description="The room is still being made."),
                ]
            },
        },
    ),
    "EventsAnswer": exact({"pages": _PAGES, "events": array(ref("Event"))}),
    "FreeBusyAnswer": exact(
        {
            "pages": _PAGES,
            "free_busy": array(
                exact(
                    {
                        "calendar_id": CALENDAR_ID,
                        "start": _EVENT_TIME,
                        "end": _EVENT_TIME,
                        "free_busy_status": {"enum": ["busy", "tentative", "free"]},
                    },
                    {
                        "event_uid": text("With `include_ids`."),
                        "event_id": text("With `include_ids`, on events that this application wrote."),
                        "deleted": FLAG | {"description": "With `include_deleted`."},
                    },
                )
            ),
        }
    ),
    "AvailabilityRule": exact(
        {
            "availability_rule_id": _OWN_ID,
            "tzid": TZID,
            "weekly_periods": array(
                exact(
                    {
                        "day": {"enum": ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]},
                        "start_time": text(pattern=r"^\d\d:\d\d$", examples=["09:30"]),
                        "end_time": text(
                            "`24:00` is the end of the day; an end before the start lies on the next day.",
                            pattern=r"^\d\d:\d\d$",
                            examples=["17:00"],
                        ),
                    }
                )
            ),
        },
        {"calendar_ids": array(CALENDAR_ID) | {"minItems": 1, "description": "Absent when none were named."}},
    ),
    "AvailabilityRuleAnswer": exact({"availability_rule": ref("AvailabilityRule")}),
    "AvailabilityRulesAnswer": exact({"availability_rules": array(ref("AvailabilityRule"))}),
    "AvailablePeriodsAnswer": exact(
        {
            "pages": _PAGES,
            "available_periods": array(
                exact({"available_period_id": _OWN_ID, "start": _PERIOD_TIME, "end": _PERIOD_TIME})
            ),
        }
    ),
    "Errors": exact(
        {
            "errors": {
                "type": "object",
                "minProperties": 1,
                "description": "By the path of the wrong member, such as `availability.query_periods[0].end`; `base` "
                "is the request as a whole. Every wrong member is in one answer.",
                "additionalProperties": {
                    "type": "array",
                    "minItems": 1,
                    "items": exact(
                        {
                            "key": text("Stable; match on this.", pattern="^errors\\.", examples=["errors.required"]),
                            "description": text("For people; may change."),
                        }
                    ),
                },
            }
        }
    ),
}
