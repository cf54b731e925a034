"""The operations of `/openapi.json` about notification channels, and what they answer."""

from __future__ import annotations

from slotlink.web.channel_request import ChannelRequest
from slotlink.web.openapi_answers import CALENDAR_ID, array, exact, ref, server_id, text
from slotlink.web.openapi_operations import ANAS_CALENDAR, Json, Operation, parameter

_URL = "https://application.example/changes"
_CHANNEL: Json = {
    "channel_id": "chn_66a4c1f20e5b8d7793c1a2d9",
    "callback_url": _URL,
    "filters": {"calendar_ids": [ANAS_CALENDAR]},
}

CHANNEL_ANSWERS: Json = {
    "Channel": exact(
        {
            "channel_id": server_id("chn", "chn_66a4c1f20e5b8d7793c1a2d9"),
            "callback_url": text(),
            "filters": exact(
                {},
                {"calendar_ids": array(CALENDAR_ID) | {"minItems": 1}, "only_managed": {"const": True}},
                description="Only those that differ from the default.",
            ),
        }
    ),
    "ChannelAnswer": exact({"channel": ref("Channel")}),
    "ChannelsAnswer": exact({"channels": array(ref("Channel"))}),
}

CHANNELS: list[Operation] = [
    Operation(
        "POST",
        "/v1/channels",
        "openChannel",
        "Channels",
        "Open a channel",
        ("access_token",),
        "An account may have 128 of them. A `verification` is sent to `callback_url` at once, then a `change` whenever "
        "something has changed: read `GET /v1/events?last_modified={changes_since}`. Changes that this application "
        "made through the API are not told. A channel whose receiver answers 410, or does not answer for a day, is "
        "closed.",
        body=ChannelRequest,
        example={"callback_url": _URL, "filters": {"calendar_ids": [ANAS_CALENDAR]}},
        answer="ChannelAnswer",
        answer_example={"channel": _CHANNEL},
        faults=(400, 401, 403, 404, 413, 422),
        keyed=True,
    ),
    Operation(
        "GET",
        "/v1/channels",
        "listChannels",
        "Channels",
        "List the open channels",
        ("access_token",),
        answer="ChannelsAnswer",
        answer_example={"channels": [_CHANNEL]},
        faults=(401, 403),
    ),
    Operation(
        "DELETE",
        "/v1/channels/{channel_id}",
        "closeChannel",
        "Channels",
        "Close a channel",
        ("access_token",),
        "Nothing more is sent to it.",
        parameters=(
            parameter("path", "channel_id", "An open channel of this account.", "chn_66a4c1f20e5b8d7793c1a2d9"),
        ),
        ok=202,
        faults=(401, 403, 404),
    ),
]
