"""Notification channels of an account: whom to tell of its changes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from slotlink.domain.channel import Channel
from slotlink.services.channels import close_channel, open_channel
from slotlink.store import channels
from slotlink.web import render
from slotlink.web.auth import account_caller
from slotlink.web.body import check, read_object
from slotlink.web.channel_request import ChannelRequest, with_filters
from slotlink.web.idempotency import once
from slotlink.web.state import state_of


async def create(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    members = with_filters(await read_object(request, web.context.limits.body_bytes))

    async def write() -> Response:
        wanted = check(ChannelRequest, members, web.context)
        channel = await open_channel(
            web.deps,
            caller.application_id,
            caller.sub,
            wanted.callback_url,
            wanted.filters.calendar_ids,
            web.now(),
            only_managed=wanted.filters.only_managed,
        )
        return render.json_response({"channel": _answered(channel)})

    answer = await once(request, caller, members, write)
    web.deps.wake_worker()  # here, because under a key the transaction ends with `once`
    return answer


async def list_channels(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    async with web.deps.database.reading() as connection:
        found = await channels.list_channels(connection, caller.application_id, caller.sub)
    return render.json_response({"channels": [_answered(channel) for channel in found]})


async def close(request: Request) -> Response:
    """Takes no input: what clients send as a body (`{}`, `[]`, nothing) is not read."""
    web = state_of(request)
    caller = await account_caller(request)
    await close_channel(web.deps, caller.application_id, caller.sub, request.path_params["channel_id"], web.now())
    return Response(status_code=202)


def _answered(channel: Channel) -> render.Json:
    return {
        "channel_id": channel.channel_id,
        "callback_url": channel.callback_url,
        "filters": channel.filters.given(),
    }
