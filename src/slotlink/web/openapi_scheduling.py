"""The operations of `/openapi.json` about links, availability and what it is made of. Together with those of
`openapi_calendars.py` they are every route of `routes.API`: a test holds the lists together, and schemathesis holds
them against the server."""

from __future__ import annotations

from typing import Any

from slotlink.web.availability_request import AvailabilityRequest
from slotlink.web.link_request import DisableRequest, LinkRequest
from slotlink.web.openapi_operations import ANA, ANAS_CALENDAR, BEN, EVENT, PAGE, PAGES, Operation, parameter
from slotlink.web.rule_request import (
    AvailablePeriodDeletion,
    AvailablePeriodRequest,
    AvailablePeriodsQuery,
    RuleRequest,
)
from slotlink.web.sequence_request import SequenceRequest

Json = dict[str, Any]
LINK_ID = "sch_64b1859e8090ea21640c915f"
LINK_URL = "https://schedule.example.com/rts/hq0nDA6vT3mXw2KcZr8yLQ"

_LINK_ID = parameter("path", "link_id", "`real_time_scheduling_id` of the create answer.", LINK_ID)
_RULE_ID = parameter("path", "availability_rule_id", "Yours; slashes are sent as `%2F`.", "default", maxLength=64)
_IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an earlier answer; 304 while nothing has changed.",
    "schema": {"type": "string"},
}

_TIMES = {
    "start": {"time": "2027-03-09T14:00:00Z", "tzid": "Europe/London"},
    "end": {"time": "2027-03-09T15:00:00Z", "tzid": "Europe/London"},
}
_QUERY = {
    "participants": [{"members": [{"sub": ANA}, {"sub": BEN}], "required": "all"}],
    "required_duration": {"minutes": 60},
    "query_periods": [{"start": "2027-03-08T09:00:00Z", "end": "2027-03-12T17:00:00Z"}],
}
_RULE = {
    "availability_rule_id": "default",
    "tzid": "Europe/London",
    "calendar_ids": [ANAS_CALENDAR],
    "weekly_periods": [
        {"day": "monday", "start_time": "09:30", "end_time": "12:30"},
        {"day": "monday", "start_time": "14:00", "end_time": "17:00"},
        {"day": "friday", "start_time": "22:00", "end_time": "02:00"},
    ],
}
_PERIOD = {
    "available_period_id": "open-day-1",
    "start": "2027-03-09T15:30:00Z",
    "end": "2027-03-09T17:00:00Z",
}


def _link(status: str, event: Json) -> Json:
    details = {"real_time_scheduling_id": LINK_ID, "url": LINK_URL, "event": event, "status": status}
    return {"real_time_scheduling": details}


_CREATED = {**EVENT, "event_private": False}

SCHEDULING: list[Operation] = [
    Operation(
        "POST",
        "/v1/real_time_scheduling",
        "createLink",
        "Links",
        "Create a link",
        ("api_key", "body"),
        "Makes a link on which a visitor chooses one slot. Nothing is written to calendars yet.",
        body=LinkRequest,
        example={
            "oauth": {"redirect_uri": "https://globex.example.com/booked"},
            "event": EVENT,
            "availability": _QUERY,
            "target_calendars": [{"sub": ANA, "calendar_id": ANAS_CALENDAR}],
            "callback_urls": {"completed_url": "https://globex.example.com/callbacks/completed"},
            "minimum_notice": {"hours": 4},
        },
        answer="CreatedLink",
        answer_example={"url": LINK_URL, **_link("open", _CREATED)},
        faults=(400, 401, 403, 413, 422),
        keyed=True,
    ),
    Operation(
        "GET",
        "/v1/real_time_scheduling/{link_id}",
        "readLinkById",
        "Links",
        "Read a link's status by id",
        ("api_key",),
        parameters=(_LINK_ID, _IF_NONE_MATCH),
        answer="LinkAnswer",
        answer_example=_link("completed", {**_CREATED, **_TIMES}),
        headers=("ETag", "Cache-Control"),
        not_modified=True,
        faults=(401, 403, 404),
    ),
    Operation(
        "GET",
        "/v1/real_time_scheduling",
        "readLinkByToken",
        "Links",
        "Read a link's status by token",
        ("api_key",),
        "Answers the very bytes of the form by id.",
        parameters=(
            parameter("query", "token", "The last part of the link's `url`.", LINK_URL.rpartition("/")[2]),
            _IF_NONE_MATCH,
        ),
        answer="LinkAnswer",
        answer_example=_link("open", _CREATED),
        headers=("ETag", "Cache-Control"),
        not_modified=True,
        faults=(401, 403, 404, 422),
    ),
    Operation(
        "POST",
        "/v1/real_time_scheduling/{link_id}/disable",
        "disableLink",
        "Links",
        "Disable a link",
        ("api_key",),
        "Closes a link on which no slot was chosen. Disabling again replaces the message; a completed link is "
        "422 with `errors.already_completed`.",
        parameters=(_LINK_ID,),
        body=DisableRequest,
        example={"display_message": "The position has been filled. Thank you for your interest."},
        answer="LinkAnswer",
        answer_example=_link("disabled", _CREATED),
        faults=(400, 401, 403, 404, 413, 422),
    ),
    Operation(
        "POST",
        "/v1/availability",
        "findAvailability",
        "Availability",
        "Find when people are free",
        ("api_key", "access_token"),
        "A person whose calendar cannot be read is never free.",
        body=AvailabilityRequest,
        example={**_QUERY, "response_format": "slots", "start_interval": {"minutes": 30}},
        answer="AvailabilityAnswer",
        answer_example={
            "available_slots": [
                {
                    "start": "2027-03-09T14:00:00Z",
                    "end": "2027-03-09T15:00:00Z",
                    "participants": [{"sub": ANA}, {"sub": BEN}],
                }
            ]
        },
        faults=(400, 401, 413, 422),
    ),
    Operation(
        "POST",
        "/v1/sequenced_availability",
        "findSequences",
        "Availability",
        "Find when several meetings can be held one after another",
        ("api_key", "access_token"),
        "Each answer holds every step once. Between neighbours lies at least the larger of the minimum buffers that "
        "face each other, at most the smaller of the maximum ones. Ascending by the starts of the steps.",
        body=SequenceRequest,
        example={
            "sequence": [
                {
                    "sequence_id": "interview",
                    "ordinal": 1,
                    "participants": _QUERY["participants"],
                    "required_duration": {"minutes": 60},
                    "buffer": {"after": {"minimum": {"minutes": 0}, "maximum": {"minutes": 30}}},
                },
                {
                    "sequence_id": "debriefing",
                    "ordinal": 2,
                    "participants": [{"members": [{"sub": BEN}], "required": "all"}],
                    "required_duration": {"minutes": 30},
                },
            ],
            "query_periods": _QUERY["query_periods"],
        },
        answer="SequencesAnswer",
        answer_example={
            "sequences": [
                {
                    "sequence": [
                        {
                            "sequence_id": "interview",
                            "start": "2027-03-09T14:00:00Z",
                            "end": "2027-03-09T15:00:00Z",
                            "participants": [{"sub": ANA}, {"sub": BEN}],
                        },
                        {
                            "sequence_id": "debriefing",
                            "start": "2027-03-09T15:00:00Z",
                            "end": "2027-03-09T15:30:00Z",
                            "participants": [{"sub": BEN}],
                        },
                    ]
                }
            ]
        },
        faults=(400, 401, 413, 422),
    ),
    Operation(
        "POST",
        "/v1/availability_rules",
        "writeAvailabilityRule",
        "Availability rules",
        "Create or replace an availability rule",
        ("access_token",),
        "The same `availability_rule_id` again replaces the whole rule. An `end_time` before its `start_time` lies on "
        "the next day.",
        body=RuleRequest,
        example=_RULE,
        answer="AvailabilityRuleAnswer",
        answer_example={"availability_rule": _RULE},
        faults=(400, 401, 403, 413, 422),
        keyed=True,
    ),
    Operation(
        "GET",
        "/v1/availability_rules",
        "listAvailabilityRules",
        "Availability rules",
        "List the account's availability rules",
        ("access_token",),
        "All of them, on one page.",
        answer="AvailabilityRulesAnswer",
        answer_example={"availability_rules": [_RULE]},
        faults=(401, 403),
    ),
    Operation(
        "GET",
        "/v1/availability_rules/{availability_rule_id}",
        "readAvailabilityRule",
        "Availability rules",
        "Read an availability rule",
        ("access_token",),
        parameters=(_RULE_ID,),
        answer="AvailabilityRuleAnswer",
        answer_example={"availability_rule": _RULE},
        faults=(401, 403, 404),
    ),
    Operation(
        "DELETE",
        "/v1/availability_rules/{availability_rule_id}",
        "deleteAvailabilityRule",
        "Availability rules",
        "Delete an availability rule",
        ("access_token",),
        "A body, if one is sent, is ignored.",
        parameters=(_RULE_ID,),
        ok=202,
        faults=(401, 403, 404),
    ),
    Operation(
        "POST",
        "/v1/available_periods",
        "writeAvailablePeriod",
        "Availability rules",
        "Create or replace an available period",
        ("access_token",),
        "The same `available_period_id` again replaces the period.",
        body=AvailablePeriodRequest,
        example=_PERIOD,
        ok=202,
        faults=(400, 401, 403, 413, 422),
        keyed=True,
    ),
    Operation(
        "GET",
        "/v1/available_periods",
        "listAvailablePeriods",
        "Availability rules",
        "List the account's available periods",
        ("access_token",),
        query=AvailablePeriodsQuery,
        queries=("tzid", "from", "to", "localized_times"),
        answer="AvailablePeriodsAnswer",
        answer_example={"pages": PAGES, "available_periods": [_PERIOD]},
        faults=(401, 403, 422),
    ),
    Operation(
        "GET",
        "/v1/available_periods/pages/{page}",
        "listMoreAvailablePeriods",
        "Availability rules",
        "List available periods: a further page",
        ("access_token",),
        parameters=(PAGE,),
        answer="AvailablePeriodsAnswer",
        faults=(401, 403, 404),
    ),
    Operation(
        "DELETE",
        "/v1/available_periods",
        "deleteAvailablePeriods",
        "Availability rules",
        "Delete one available period, or all of them",
        ("access_token",),
        "A period that does not exist is deleted already: 202.",
        body=AvailablePeriodDeletion,
        example={"available_period_id": "open-day-1"},
        ok=202,
        faults=(400, 401, 403, 413, 422),
    ),
]
