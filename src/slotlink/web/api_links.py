"""`/v1/real_time_scheduling`: create a link, read its status, disable it."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from slotlink.domain.link import Link
from slotlink.errors import InvalidRequest, MalformedRequest
from slotlink.services.callbacks import link_url
from slotlink.services.links import create_link, disable_link
from slotlink.store import links
from slotlink.web import render
from slotlink.web.auth import Caller, application_caller, application_of_body
from slotlink.web.body import check, read_object
from slotlink.web.idempotency import once
from slotlink.web.link_request import DisableRequest, LinkRequest
from slotlink.web.state import WebState, state_of

STATUS_CACHING = "private, no-cache"


async def create(request: Request) -> Response:
    web = state_of(request)
    try:
        members = await read_object(request, web.context.limits.body_bytes)
    except MalformedRequest:
        await application_caller(request)  # only somebody known learns what is wrong with a body
        raise
    application_id = await application_of_body(request, members)

    async def make() -> Response:
        wanted = check(LinkRequest, members, web.context)
        now = web.now()
        link = await create_link(web.deps, application_id, wanted.event_template(), wanted.terms(), now)
        return render.json_response(render.created_link(link, link_url(web.deps, link.token), now))

    return await once(request, Caller(application_id, None), members, make)


async def show(request: Request) -> Response:
    """Status by id. `hot_status.py` answers the common case of it; both give the same bytes."""
    web = state_of(request)
    application_id = await application_caller(request)
    async with web.deps.database.reading() as connection:
        link = await links.get(connection, web.deps.vault, application_id, request.path_params["link_id"])
    return _status(request, web, link)


async def show_by_token(request: Request) -> Response:
    web = state_of(request)
    application_id = await application_caller(request)
    token = request.query_params.get("token", "")
    if not token:
        raise InvalidRequest.of("token", "errors.required", "token must be specified")
    async with web.deps.database.reading() as connection:
        link = await links.get_by_token(connection, web.deps.vault, application_id, token)
    return _status(request, web, link)


async def disable(request: Request) -> Response:
    web = state_of(request)
    application_id = await application_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)
    wanted = check(DisableRequest, members, web.context)
    now = web.now()
    link = await disable_link(web.deps, application_id, request.path_params["link_id"], wanted.display_message, now)
    return Response(_body(web, link, now), media_type=render.JSON_TYPE)


def _status(request: Request, web: WebState, link: Link) -> Response:
    body = _body(web, link, web.now())
    tag = render.etag(body)
    headers = {"Cache-Control": STATUS_CACHING, "ETag": tag}
    if render.matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=render.JSON_TYPE)


def _body(web: WebState, link: Link, now: int) -> bytes:
    return render.link_body(
        link.link_id, link_url(web.deps, link.token), msgspec.json.encode(link.event), link.status(now)
    )
