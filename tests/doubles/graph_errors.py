"""Errors as Graph words them. Clients decide by the status and by `code`, never by the message."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def body(self, now: float) -> Json:  # fact: error.form
        request = str(uuid.uuid4())
        date = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        inner = {"date": date, "request-id": request, "client-request-id": request}
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def bad_token(empty: bool) -> RefusedError:  # fact: error.401
    message = "Access token is empty." if empty else "Access token has expired or is not yet valid."
    uri = "https://login.microsoftonline.com/common/oauth2/authorize"
    challenge = f'Bearer realm="", authorization_uri="{uri}", client_id="00000003-0000-0000-c000-000000000000"'
    return RefusedError(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": challenge})


def access_denied() -> RefusedError:  # fact: error.403
    return RefusedError(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def not_found() -> RefusedError:  # fact: event.not-found
    return RefusedError(404, "ErrorItemNotFound", "The specified object was not found in the store.")


def sync_state_gone() -> RefusedError:  # fact: delta.gone
    message = "The sync state generation is not found; generation=149;[highest=157][157][155][156]."
    return RefusedError(410, "SyncStateNotFound", message)


def conflict() -> RefusedError:  # fact: event.if-match
    message = "The send or update operation could not be performed because the change key passed in the request does"
    return RefusedError(412, "ErrorIrresolvableConflict", f"{message} not match the current change key for the item.")


def throttled(seconds: int, limit: str = "MailboxConcurrency") -> RefusedError:  # fact: throttle.429
    message = f"Application is over its {limit} limit."
    return RefusedError(429, "ApplicationThrottled", message, {"Retry-After": str(seconds)})


def unknown_zone(name: str) -> RefusedError:  # fact: times.unknown-zone
    message = f"A valid TimeZone value must be specified. The following TimeZone value is not supported: '{name}'."
    return RefusedError(400, "TimeZoneNotSupportedException", message)


def no_window() -> RefusedError:  # fact: view.window-required
    message = "This request requires a time window specified by the query string parameters StartDateTime and"
    return RefusedError(400, "ErrorInvalidParameter", f"{message} EndDateTime.")


def internal() -> RefusedError:
    return RefusedError(500, "ErrorInternalServerError", "An internal server error occurred. The operation failed.")


def invalid(message: str, code: str = "ErrorInvalidRequest") -> RefusedError:
    return RefusedError(400, code, message)


def bad_request(message: str) -> RefusedError:
    return RefusedError(400, "BadRequest", message)


def by_code(code: str) -> RefusedError:
    """What a test can have answered next."""
    return {
        "InvalidAuthenticationToken": lambda: bad_token(empty=False),
        "ErrorAccessDenied": access_denied,
        "ErrorItemNotFound": not_found,
        "SyncStateNotFound": sync_state_gone,
        "ErrorIrresolvableConflict": conflict,
        "ApplicationThrottled": lambda: throttled(10),
        "ErrorInternalServerError": internal,
        "ServiceUnavailable": lambda: RefusedError(503, "ServiceUnavailable", "The service is unavailable."),
        "UnknownError": lambda: RefusedError(504, "UnknownError", ""),  # fact: delta.5xx
    }[code]()
