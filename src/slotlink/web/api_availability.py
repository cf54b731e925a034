"""`/v1/availability` and `/v1/sequenced_availability`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from slotlink.services.availability import explain, find_availability, find_sequences
from slotlink.web import availability_answer as answers
from slotlink.web.auth import any_caller
from slotlink.web.availability_request import AvailabilityRequest
from slotlink.web.body import check, read_object
from slotlink.web.render import JSON_TYPE
from slotlink.web.sequence_request import SequenceRequest
from slotlink.web.state import state_of


async def availability(request: Request) -> Response:
    web = state_of(request)
    caller = await any_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)
    wanted = check(AvailabilityRequest, members, web.context)
    query = wanted.query()
    limit = min(wanted.max_results, web.context.limits.results)  # the default may be above this server's limit
    answer = await find_availability(
        web.deps,
        caller.application_id,
        query,
        wanted.response_format,
        limit,
        web.now(),
        explains=wanted.explain,
    )
    more: answers.Json = {}
    if wanted.include_member_statuses:
        more["member_statuses"] = [
            {"sub": sub, "sync_status": status} for sub, status in answer.free_time.statuses.items()
        ]
    if wanted.explain and not answer.available:
        more["explanation"] = answers.explanation(explain(answer, query), query, answer)
    key = "available_periods" if wanted.response_format == "periods" else "available_slots"
    return Response(answers.availability_body(key, answer, more), media_type=JSON_TYPE)


async def sequenced_availability(request: Request) -> Response:
    web = state_of(request)
    caller = await any_caller(request)
    wanted = check(SequenceRequest, await read_object(request, web.context.limits.body_bytes), web.context)
    steps = wanted.steps()
    limit = min(wanted.max_results, web.context.limits.results)
    answer = await find_sequences(web.deps, caller.application_id, steps, limit, web.now())
    return Response(answers.sequences_body(steps, answer), media_type=JSON_TYPE)
