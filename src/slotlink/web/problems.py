"""Errors to answers: the only place that knows both a kind of error and its status code."""

from __future__ import annotations

import secrets
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response

from slotlink.errors import (
    InvalidRequest,
    MalformedRequest,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RequestTooLarge,
    SlotlinkError,
    StillRunning,
    StoreUnavailable,
    TokenRefused,
    TooManyRequests,
    UnknownToken,
)
from slotlink.web.clients import client_of
from slotlink.web.render import json_response
from slotlink.web.state import state_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

STATUSES: dict[type[SlotlinkError], int] = {
    MalformedRequest: 400,
    TokenRefused: 400,
    NotAuthenticated: 401,
    NotAllowed: 403,
    NotFound: 404,
    StillRunning: 409,
    TooManyRequests: 429,
    RequestTooLarge: 413,
    InvalidRequest: 422,
    StoreUnavailable: 503,
}
RETRY_AFTER_S = "5"


async def answer_problem(request: Request, error: Exception) -> Response:
    """The answer to an error of ours. What the caller reads and what the log says are two texts."""
    if _may_be_a_guess(error):
        wait = await wait_of_unknown(request)
        error = TooManyRequests(wait) if wait else error
    status = next((code for kind, code in STATUSES.items() if isinstance(error, kind)), 500)
    if isinstance(error, InvalidRequest):
        response = json_response(
            {
                "errors": {
                    path: [{"key": fault.key, "description": fault.description} for fault in faults]
                    for path, faults in error.fields.items()
                }
            },
            status,
        )
    elif isinstance(error, MalformedRequest):
        fault = {"key": "errors.invalid_format", "description": str(error)}
        response = json_response({"errors": {"base": [fault]}}, status)
    elif isinstance(error, StillRunning):
        fault = {"key": "errors.still_running", "description": str(error)}
        response = json_response({"errors": {"Idempotency-Key": [fault]}}, status, {"Retry-After": "1"})
    elif isinstance(error, TokenRefused):
        response = json_response({"error": error.error}, status, {"Cache-Control": "no-store", "Pragma": "no-cache"})
    else:
        response = Response(status_code=status)
    if isinstance(error, NotAuthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="slotlink"'
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, StoreUnavailable):
        log.error("request.store_unavailable", path=request.scope.get("route_name"), reason=str(error))
        response.headers["Retry-After"] = RETRY_AFTER_S
    # The Ruby client takes its error text from this header.
    response.headers["Status"] = f"{status} {HTTPStatus(status).phrase}"
    return response


def _may_be_a_guess(error: Exception) -> bool:
    if isinstance(error, TokenRefused):
        return error.error == "invalid_client"
    return isinstance(error, NotAuthenticated | UnknownToken)


async def wait_of_unknown(request: Request) -> int:
    """Count one token or credential that nobody was given. 0, or the seconds until the next is answered plainly.

    Whatever is known is served all the same: a neighbour behind the same address must not lock anybody out
    (docs/decisions/0014)."""
    return await state_of(request).unknown_limit.wait_for(client_of(request.client.host if request.client else ""))


async def answer_fault(request: Request, error: Exception) -> Response:
    """A bug of ours: logged whole under a reference, answered with the reference only."""
    reference = secrets.token_hex(4)
    log.error("request.broke", reference=reference, method=request.method, exc_info=error)
    return json_response(
        {"errors": {"base": [{"key": "errors.internal", "description": f"our fault; reference {reference}"}]}}, 500
    )
