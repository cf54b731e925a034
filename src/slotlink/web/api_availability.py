"""`/v1/availability`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from slotlink.services.availability import find_availability
from slotlink.web import render
from slotlink.web.auth import any_caller
from slotlink.web.availability_request import AvailabilityRequest
from slotlink.web.body import check, read_object
from slotlink.web.state import state_of


async def availability(request: Request) -> Response:
    web = state_of(request)
    caller = await any_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)
    wanted = check(AvailabilityRequest, members, web.context)
    limit = min(wanted.max_results, web.context.limits.results)  # the default may be above this server's limit
    answer = await find_availability(
        web.deps, caller.application_id, wanted.query(), wanted.response_format, limit, web.now()
    )
    key = "available_periods" if wanted.response_format == "periods" else "available_slots"
    content: render.Json = {
        key: [render.available(slot.start, slot.end, answer.subs(slot)) for slot in answer.available]
    }
    if wanted.include_member_statuses:
        content["member_statuses"] = [
            {"sub": sub, "sync_status": status} for sub, status in answer.free_time.statuses.items()
        ]
    return render.json_response(content)
