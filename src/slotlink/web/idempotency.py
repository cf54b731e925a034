"""`Idempotency-Key`: a request that creates, sent again, gets its first answer again, and nothing is made twice.

What is made and the answer that tells of it are kept in one transaction: both are there, or neither. Only success is
kept: what was refused changed nothing, and may be put right under the same key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from slotlink.errors import InvalidRequest, OutcomeUnknown, StillRunning
from slotlink.store import idempotency
from slotlink.store.idempotency import KeptAnswer
from slotlink.vault import digest
from slotlink.web.auth import AccountCaller, Caller
from slotlink.web.body import Json
from slotlink.web.state import WebState, state_of

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT_S = 24 * 3600
_FORM = re.compile(r"[ -~]{1,255}")
_CREDENTIALS = ("client_id", "client_secret")  # who asks is not what is asked: a secret may be rotated in between
_STILL_RUNNING = "the request with this key is still being answered; ask again for its answer"

Act = Callable[[], Awaitable[Response]]


async def once(request: Request, caller: Caller | AccountCaller, members: Json, act: Act) -> Response:
    """What `act` answers or, under a key that it was answered under within 24 hours, that answer. `act` refuses by
    raising, writes by `transaction()` alone, and may be run anew when it was undone.

    Raises InvalidRequest for a key that is none or that another request had, StillRunning while a twin is under way."""
    given = request.headers.getlist(HEADER)
    if not given:
        return await act()
    if len(given) > 1 or not _FORM.fullmatch(given[0]):
        raise InvalidRequest.of(HEADER, "errors.invalid_format", "must be 1 to 255 printable ASCII characters, once")
    web = state_of(request)
    running, key = web.running_keys, (caller.application_id, digest(given[0]))
    if key in running:
        raise StillRunning(_STILL_RUNNING)
    running.add(key)
    asked = _digest_of(request, caller, members)
    try:
        try:
            return await _once(web, key, asked, act)
        except OutcomeUnknown:
            return await _once(web, key, asked, act)  # kept, or undone: the key tells
    finally:
        running.remove(key)


async def _once(web: WebState, key: tuple[str, bytes], asked: bytes, act: Act) -> Response:
    vault = web.deps.vault
    async with web.deps.database.one_transaction() as connection:
        if not await idempotency.hold(connection, *key):
            raise StillRunning(_STILL_RUNNING)
        earlier = await idempotency.find(connection, vault, *key, web.now())
        if earlier is None:
            answer = await act()
            kept = KeptAnswer(asked, answer.status_code, dict(answer.headers), bytes(answer.body))
            await idempotency.keep(connection, vault, *key, kept, web.now() + KEPT_S)
            return answer
    if earlier.request_sha256 != asked:
        raise InvalidRequest.of(HEADER, "errors.already_used", "another request had this key; take a new one")
    return Response(earlier.body, earlier.status_code, {**earlier.headers, REPLAYED: "true"})


def _digest_of(request: Request, caller: Caller | AccountCaller, members: Json) -> bytes:
    """Of what is asked, whatever the order of its members. JSON of Python's own: it writes whatever could be read."""
    content = {name: value for name, value in members.items() if name not in _CREDENTIALS}
    asked = [caller.application_id, caller.sub, request.scope["path"], content]
    return digest(json.dumps(asked, sort_keys=True))
