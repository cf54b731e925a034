"""Notification channels, as clients send them."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field

from slotlink.web.wire import CallbackUrl, Flag, ShortText, Wire


class ChannelFilters(Wire):
    """Filters that are not known are ignored: then more is told than was asked for."""

    calendar_ids: Annotated[list[ShortText], Field(min_length=1, max_length=100)] | None = None
    """Only changes in these calendars of the account; in all of them when absent."""
    only_managed: Flag = False
    """Only changes of events that this application wrote."""


class ChannelRequest(Wire):
    """Open a channel: from then on `callback_url` is told of changes. The same again answers the open one."""

    callback_url: CallbackUrl
    filters: ChannelFilters = ChannelFilters()


def with_filters(members: dict[str, Any]) -> dict[str, Any]:
    """A form spells a member of `filters` as `filters[only_managed]`: without this it would be ignored."""
    spelt = {name[len("filters[") : -1]: name for name in members if name.startswith("filters[") and name.endswith("]")}
    filters = members.get("filters", {})
    if not spelt or not isinstance(filters, dict):
        return members
    whole = {**cast("dict[str, Any]", filters), **{name: members[member] for name, member in spelt.items()}}
    return {**{name: value for name, value in members.items() if name not in spelt.values()}, "filters": whole}
