"""Errors to answers: the only place that knows both a kind of error and its status code."""

from __future__ import annotations

import secrets
from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

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
    _tell(request, error, status)
    # The Ruby client takes its error text from this header.
    response.headers["Status"] = f"{status} {HTTPStatus(status).phrase}"
    return response


_TOLD = {
    400: "request.refused",
    401: "auth.refused",
    403: "access.refused",
    413: "request.refused",
    429: "rate.refused",
}


def _tell(request: Request, error: Exception, status: int) -> None:
    """What whoever watches over the server wants to see: where it came from, never what was in it."""
    seen = {"handler": handler_of(request.scope), "method": request.method, "status": status}
    seen["client"] = client_of(request.client.host if request.client else "")
    if status == 500:
        # A wrong key, an altered row: the settings or the data are at fault, and the message says how.
        log.error("request.broke", reason=str(error), **seen)
    elif isinstance(error, TokenRefused):
        log.info("auth.refused", reason=error.error, **seen)
    elif status in _TOLD:
        log.info(_TOLD[status], **seen)


def handler_of(scope: Scope) -> str:
    """The name of what answers, never the path: paths hold tokens."""
    return getattr(scope.get("endpoint"), "__name__", "none")


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
