"""Providers tell us here that a calendar changed. Anybody may call: only who knows the watch's secret is heard, and
nobody is told whether they were."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from slotlink.errors import MalformedRequest, TooManyRequests
from slotlink.services.watching import Notice, heard
from slotlink.web.body import parse_json, read_body
from slotlink.web.problems import wait_of_unknown
from slotlink.web.state import state_of

BODY_BYTES = 256 * 1024  # Microsoft's collections; Google sends no body
NOTICES = 500  # of one collection; what is beyond is found by the poll
SECRET_LENGTH = 256
# What a validation token may be, and come back as: nothing that a browser could take for more than text.
_TOKEN = re.compile(r"[ !#-;=?-~]{1,2048}")
_WATCH_ID = re.compile(r"[A-Za-z0-9_]{1,40}")
_RENEWING = ("reauthorizationRequired", "subscriptionRemoved")


async def hear_google(request: Request) -> Response:
    """All is in the headers (developers.google.com/workspace/calendar/api/guides/push). `sync` is only a hello."""
    await read_body(request, BODY_BYTES)
    if request.headers.get("x-goog-resource-state") == "sync":
        return Response(status_code=202)
    watch_id, secret = (request.headers.get(f"x-goog-channel-{name}", "") for name in ("id", "token"))
    return await _hear(request, [Notice(watch_id, secret)])


async def hear_microsoft(request: Request) -> Response:
    """Notices of changes and of the subscription's own life, many in one body; and, while we ask for a subscription, a
    token to be given back (learn.microsoft.com/graph/change-notifications-delivery-webhooks)."""
    token = request.query_params.get("validationToken")
    if token is not None:
        if not _TOKEN.fullmatch(token):
            raise MalformedRequest("validationToken is none that Microsoft sends")
        return PlainTextResponse(token)
    body = parse_json(await read_body(request, BODY_BYTES))
    value: Any = cast("dict[str, Any]", body).get("value") if isinstance(body, dict) else None
    if not isinstance(value, list):
        raise MalformedRequest("the body must be an object with the notices in `value`")
    return await _hear(request, [_notice(each) for each in cast("list[Any]", value)[:NOTICES]])


def _notice(entry: Any) -> Notice:
    """clientState is all that we gave; it begins with our own name for the watch."""
    members = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
    secret = members.get("clientState")
    if not isinstance(secret, str):
        return Notice("", "")
    return Notice(secret.partition(".")[0], secret, renews=members.get("lifecycleEvent") in _RENEWING)


async def _hear(request: Request, notices: Sequence[Notice]) -> Response:
    """Raises TooManyRequests for strangers who come too often; whoever is known is heard all the same."""
    web = state_of(request)
    possible = [each for each in notices if _WATCH_ID.fullmatch(each.watch_id) and len(each.secret) <= SECRET_LENGTH]
    known = bool(possible) and await heard(web.deps, possible, web.now())
    wait = 0 if known or not notices else await wait_of_unknown(request)
    if wait:
        raise TooManyRequests(wait)
    return Response(status_code=202)
