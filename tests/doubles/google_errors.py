"""Errors as the Calendar API words them: two levels, of which clients read `code` and the first `reason`."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class RefusedError(Exception):
    """An answer that is an error. `reason` is what clients decide by."""

    def __init__(
        self, status: int, reason: str, message: str, domain: str = "global", at: str = "", kind: str = "parameter"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers: dict[str, str] = {}
        where = {"locationType": kind, "location": at} if at else {}
        first = {"domain": domain, "reason": reason, "message": message, **where}
        self.body: Json = {"error": {"errors": [first], "code": status, "message": message}}


def bad_credentials() -> RefusedError:  # fact: error.401
    error = RefusedError(401, "authError", "Invalid Credentials", at="Authorization", kind="header")
    error.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    return error


def scope_missing() -> RefusedError:  # fact: scope.missing
    error = RefusedError(403, "insufficientPermissions", "Insufficient Permission")
    reason = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
    error.body["error"].update(status="PERMISSION_DENIED", details=[detail])
    error.body["error"]["message"] = "Request had insufficient authentication scopes."
    error.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/", error="insufficient_scope"'
    return error


def not_found() -> RefusedError:
    return RefusedError(404, "notFound", "Not Found")


def needs_access(level: str) -> RefusedError:
    return RefusedError(403, "requiredAccessLevel", f"You need to have {level} access to this calendar.", "calendar")


def duplicate() -> RefusedError:
    return RefusedError(409, "duplicate", "The requested identifier already exists.")


def deleted() -> RefusedError:
    return RefusedError(410, "deleted", "Resource has been deleted")


def precondition_failed() -> RefusedError:
    return RefusedError(412, "conditionNotMet", "Precondition Failed", at="If-Match", kind="header")


def full_sync_required() -> RefusedError:
    message = "Sync token is no longer valid, a full sync is required."
    return RefusedError(410, "fullSyncRequired", message, "calendar", "syncToken")


def updated_min_too_long_ago() -> RefusedError:
    message = "The requested minimum modification time lies too far in the past."
    return RefusedError(410, "updatedMinTooLongAgo", message, "calendar", "updatedMin")


def time_range_empty() -> RefusedError:
    return RefusedError(400, "timeRangeEmpty", "The specified time range is empty.", "calendar", "timeMax")


def time_range_too_long() -> RefusedError:
    return RefusedError(400, "timeRangeTooLong", "The requested time range is too long.", "calendar", "timeMax")


def invalid(message: str, at: str = "") -> RefusedError:
    return RefusedError(400, "invalid", message, at=at)


def required(message: str, at: str = "") -> RefusedError:
    return RefusedError(400, "required", message, at=at)


def by_reason(name: str) -> RefusedError:
    """What a test can have answered next: quota, permission and server errors by their `reason`.

    Quota and 500 as the error guide words them; a 503 has the form that people report.
    """
    return {
        "authError": bad_credentials,
        "insufficientPermissions": scope_missing,
        "requiredAccessLevel": lambda: needs_access("writer"),
        "notACalendarUser": lambda: RefusedError(
            403, "notACalendarUser", "The user must be signed up for Google Calendar.", "calendar"
        ),
        "notFound": not_found,
        "deleted": deleted,
        "conditionNotMet": precondition_failed,
        "fullSyncRequired": full_sync_required,
        # fact: error.quota
        "userRateLimitExceeded": lambda: _usage(403, "userRateLimitExceeded", "User Rate Limit Exceeded"),
        "rateLimitExceeded": lambda: _usage(403, "rateLimitExceeded", "Rate Limit Exceeded"),
        "tooManyRequests": lambda: _usage(429, "rateLimitExceeded", "Rate Limit Exceeded"),
        "quotaExceeded": lambda: _usage(403, "quotaExceeded", "Calendar usage limits exceeded."),
        "backendError": lambda: RefusedError(500, "backendError", "Backend Error"),  # fact: error.500
        "unavailable": lambda: RefusedError(503, "backendError", "The service is currently unavailable."),
    }[name]()


def _usage(status: int, reason: str, message: str) -> RefusedError:
    return RefusedError(status, reason, message, "usageLimits")
