"""Every error Slotlink raises, drawn as a tree. Which HTTP status each becomes is known to `web/problems.py` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class SlotlinkError(Exception):
    """The root: anything below is expected, has a reason, and tells the reader what to do."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of one member: a stable `key` that clients match on, and a sentence for people."""

    key: str
    description: str


class InvalidRequest(SlotlinkError):
    """Some members of a request are wrong. `fields` maps each path (`a.b[0].c`) to its faults, all of them at once."""

    def __init__(self, fields: Mapping[str, Sequence[FieldError]]) -> None:
        super().__init__(
            "; ".join(f"{path}: {error.description}" for path, errors in fields.items() for error in errors)
        )
        self.fields = fields

    @classmethod
    def of(cls, path: str, key: str, description: str) -> InvalidRequest:
        """The common case: one fault of one member."""
        return cls({path: [FieldError(key, description)]})


class MalformedRequest(SlotlinkError):
    """The body cannot be read at all (not JSON, not an object, nested too deeply)."""


class RequestTooLarge(SlotlinkError):
    """The body is larger than we read."""


class NotAuthenticated(SlotlinkError):
    """No credential, or one that nobody was given."""


class NotAllowed(SlotlinkError):
    """A known credential of the wrong kind for this call."""


class TooManyRequests(SlotlinkError):
    """The application asks more often than the operator allows; `retry_after` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after} s")
        self.retry_after = retry_after


class NotFound(SlotlinkError):
    """Unknown, or somebody else's: the two are told apart by nobody."""


class UnknownToken(NotFound):
    """No link has this token: where the token is all there is to know, whoever asks may be guessing."""


class StillRunning(SlotlinkError):
    """A request with the same `Idempotency-Key` is being answered just now."""


class TokenRefused(SlotlinkError):
    """The token endpoint's refusal (RFC 6749 section 5.2); `error` is its code, such as `invalid_grant`."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class LinkNotOpen(SlotlinkError):
    """The link can no longer be booked; `status` says why."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the link is {status}")
        self.status = status


class SlotTaken(SlotlinkError):
    """The slot was offered and is no longer free."""


class SlotNotOffered(SlotlinkError):
    """The slot could not have been offered, whatever the calendars say."""


class CalendarsUnreadable(SlotlinkError):
    """The slot cannot be checked because a calendar could not be read. Unknown is never free."""


class StoreUnavailable(SlotlinkError):
    """The database cannot take the write now (full, read-only, locked, gone). Nothing was changed."""


class OutcomeUnknown(StoreUnavailable):
    """The connection broke while committing: everything was kept, or nothing. Look it up, never guess."""


class Conflict(StoreUnavailable):
    """The database undid the transaction in favour of another (deadlock, serialization): the same again may work."""


class ConfigurationError(SlotlinkError):
    """The server cannot start as it is set up. The message names every fault found."""


class ConnectorError(SlotlinkError):
    """A provider did not do what was asked. The message is for operators, without secrets and without what was sent."""


class ProviderUnavailable(ConnectorError):
    """No answer in time, an answer that is none, too many requests: the same again may work.

    `retry_after`: seconds that the provider asks to be left alone for."""

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AccessRevoked(ConnectorError):
    """The sign-in is refused. Nothing works until somebody connects the account anew."""


class CalendarGone(ConnectorError):
    """Deleted, or shared no longer. The account's other calendars are not concerned."""


class ChangedElsewhere(ConnectorError):
    """Somebody else has changed or deleted the object since the version that was expected.

    `version` and `ical` are what stands there now, None when it is gone."""

    def __init__(self, message: str, version: str | None = None, ical: str | None = None) -> None:
        super().__init__(message)
        self.version = version
        self.ical = ical


class NotAccepted(ConnectorError):
    """The provider understood and refuses for good; or its answer is one that we do not understand."""
