"""Which scopes a call needs (calendars.md section 2.1). Calls that are not listed need none beyond the access token."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from slotlink.domain.account import APPLICATION_CALENDAR_SCOPE
from slotlink.errors import NotAllowed

# By module and function of the handler: one of these scopes is enough. `list_calendars` and `read_account` stand in
# clients' defaults only, so nobody has to have them; further pages are addresses that only a first page gives away.
NEEDED: Mapping[str, frozenset[str]] = {
    "api_calendars.create": frozenset({"create_calendar"}),
    "api_calendars.upsert_event": frozenset({"create_event"}),
    "api_calendars.remove_event": frozenset({"delete_event"}),
    "api_calendars.remove_events": frozenset({"delete_event"}),
    "api_calendars.list_events": frozenset({"read_events"}),
    "api_calendars.list_free_busy": frozenset({"read_free_busy", "read_events"}),
    "api_calendars.participation_status": frozenset({"change_participation_status"}),
}
_OWN_EVENTS = "api_calendars.list_events"


def check_scope(request: Request, scope: str) -> None:
    """Raises NotAllowed when a token of this scope may not make this call."""
    granted = set(scope.split())
    needed = NEEDED.get(_name(request), frozenset[str]())
    if not needed or APPLICATION_CALENDAR_SCOPE in granted or needed & granted:
        return
    only_managed = request.query_params.get("only_managed", "").lower() == "true"
    if _name(request) == _OWN_EVENTS and only_managed:  # what the application wrote itself
        return
    raise NotAllowed(f"the access token lacks the scope {' or '.join(sorted(needed))}")


def _name(request: Request) -> str:
    endpoint = request.scope.get("endpoint")
    return f"{getattr(endpoint, '__module__', '').rpartition('.')[2]}.{getattr(endpoint, '__name__', '')}"
