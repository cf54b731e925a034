"""The calendars of an account, and what else is asked for beside them. What may not be read of it is left open."""

from __future__ import annotations

import re

from slotlink.connectors.base import RemoteCalendar
from slotlink.connectors.graph_client import GraphClient
from slotlink.connectors.graph_json import Calendar, MailboxSettings, Me
from slotlink.connectors.graph_times import tzid
from slotlink.errors import CalendarGone, NotAccepted


async def list_calendars(client: GraphClient) -> list[RemoteCalendar]:
    """Raises ConnectorError, but CalendarGone for none."""
    try:
        found, _ = await client.pages("/me/calendars?$top=100", Calendar)
    except CalendarGone as error:
        raise NotAccepted(f"the account has no calendars for us: {error}") from error
    own = await _own_addresses(client)
    zone = await _zone(client)
    return [_remote(each, own, zone) for each in {each.id: each for each in found}.values()]


async def _own_addresses(client: GraphClient) -> tuple[str, ...]:
    """Mail address and sign-in name, which may differ. Takes User.Read."""
    try:
        me = await client.get("/me", Me)
    except CalendarGone:
        return ()
    names = [name.lower() for name in (me.mail, me.user_principal_name) if name and "@" in name]
    return tuple(dict.fromkeys(names))


async def _zone(client: GraphClient) -> str | None:
    """Takes MailboxSettings.Read."""
    try:
        return tzid((await client.get("/me/mailboxSettings", MailboxSettings)).time_zone)
    except CalendarGone:
        return None


def _remote(calendar: Calendar, own: tuple[str, ...], zone: str | None) -> RemoteCalendar:
    """A calendar that somebody shares has its own owner, whose zone and other names we do not see."""
    owner = ((calendar.owner and calendar.owner.address) or "").lower()
    primary = bool(calendar.is_default_calendar)
    is_own = primary or not owner or owner in own
    color = calendar.hex_color or ""
    return RemoteCalendar(
        remote_id=calendar.id,
        name=calendar.name or "Calendar",
        tzid=zone if is_own else None,
        writable=bool(calendar.can_edit),
        primary=primary,
        owner_addresses=tuple(dict.fromkeys([*([owner] if owner else []), *(own if is_own else ())])),
        color=color.lower() if re.fullmatch("#[0-9a-fA-F]{6}", color) else None,
        conferencing="teamsForBusiness" in (calendar.allowed_online_meeting_providers or []),
    )
