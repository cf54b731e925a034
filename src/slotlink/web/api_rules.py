"""When an account is available at all: its availability rules and its available periods."""

from __future__ import annotations

import datetime
from typing import Any, Literal

import msgspec
from itsdangerous import BadSignature
from starlette.requests import Request
from starlette.responses import Response

from slotlink.domain.event import midnight
from slotlink.errors import NotFound
from slotlink.services.rules import delete_available_periods, delete_rule, write_available_period, write_rule
from slotlink.store import available_periods, rules
from slotlink.store.available_periods import Place, Window
from slotlink.web import render
from slotlink.web.auth import AccountCaller, account_caller
from slotlink.web.body import check, pairs_to_members, read_object
from slotlink.web.event_request import DEFAULT_TZID
from slotlink.web.idempotency import once
from slotlink.web.rule_request import (
    AvailablePeriodDeletion,
    AvailablePeriodRequest,
    AvailablePeriodsQuery,
    RuleRequest,
)
from slotlink.web.state import WebState, state_of

PAGE_SIZE = 300


class Paging(msgspec.Struct, array_like=True):
    """What the address of a further page holds, signed. `kind` tells it from the pages of other lists."""

    kind: Literal["available_periods"]
    sub: str
    window: Window
    after: Place | None
    page: int
    total: int
    localized: bool
    tzid: str | None


async def upsert_rule(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)

    async def write() -> Response:
        wanted = check(RuleRequest, members, web.context).stored()
        await write_rule(web.deps, caller.application_id, caller.sub, wanted, web.now())
        return render.json_response({"availability_rule": render.availability_rule(wanted)})

    return await once(request, caller, members, write)


async def list_rules(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    async with web.deps.database.reading() as connection:
        found = await rules.list_rules(connection, caller.application_id, caller.sub)
    return render.json_response({"availability_rules": [render.availability_rule(stored) for stored in found]})


async def show_rule(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    availability_rule_id = request.path_params["availability_rule_id"]
    async with web.deps.database.reading() as connection:
        found = await rules.get(connection, caller.application_id, caller.sub, availability_rule_id)
    return render.json_response({"availability_rule": render.availability_rule(found)})


async def remove_rule(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    await delete_rule(web.deps, caller.application_id, caller.sub, request.path_params["availability_rule_id"])
    return Response(status_code=202)


async def upsert_period(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    members = await read_object(request, web.context.limits.body_bytes)

    async def write() -> Response:
        wanted = check(AvailablePeriodRequest, members, web.context)
        await write_available_period(web.deps, caller.application_id, caller.sub, wanted.period())
        return Response(status_code=202)

    return await once(request, caller, members, write)


async def remove_periods(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    wanted = check(AvailablePeriodDeletion, await read_object(request, web.context.limits.body_bytes), web.context)
    await delete_available_periods(web.deps, caller.application_id, caller.sub, wanted.available_period_id)
    return Response(status_code=202)


async def list_periods(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    wanted = check(AvailablePeriodsQuery, pairs_to_members(request.query_params.multi_items()), web.context)
    tzid = wanted.tzid or DEFAULT_TZID
    window = Window(_instant(wanted.from_, tzid), _instant(wanted.to, tzid))
    async with web.deps.database.reading() as connection:
        total = await available_periods.count(connection, caller.application_id, caller.sub, window)
    paging = Paging("available_periods", caller.sub, window, None, 1, total, wanted.localized_times, wanted.tzid)
    return await _page(web, caller, paging)


async def periods_page(request: Request) -> Response:
    web = state_of(request)
    caller = await account_caller(request)
    try:
        paging = msgspec.json.decode(web.page_signer.loads(request.path_params["page"]), type=Paging)
    except (BadSignature, msgspec.DecodeError, ValueError) as error:
        raise NotFound("no such page") from error
    if paging.sub != caller.sub:
        raise NotFound("no such page")
    return await _page(web, caller, paging)


async def _page(web: WebState, caller: AccountCaller, paging: Paging) -> Response:
    async with web.deps.database.reading() as connection:
        rows = await available_periods.read_page(
            connection, caller.application_id, caller.sub, paging.window, paging.after, PAGE_SIZE + 1
        )
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    total = max(1, -(-paging.total // PAGE_SIZE))
    pages: dict[str, Any] = {"current": paging.page, "total": max(total, paging.page + more)}
    if more:
        last = (rows[-1].start, rows[-1].available_period_id)
        following = msgspec.structs.replace(paging, after=last, page=paging.page + 1)
        signed = web.page_signer.dumps(msgspec.json.encode(following).decode())
        pages["next_page"] = f"{web.deps.settings.api_url}/v1/available_periods/pages/{signed}"
    listed = [
        render.available_period(row, localized_tzid=(paging.tzid or row.tzid) if paging.localized else None)
        for row in rows
    ]
    return render.json_response({"pages": pages, "available_periods": listed})


def _instant(value: datetime.date | int | None, tzid: str) -> int | None:
    return midnight(value, tzid) if isinstance(value, datetime.date) else value
