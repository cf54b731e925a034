"""Notification channels: whom an application has told about changes of an account, and what it is told.

Source: Cronofy's pages on push notifications; the types are those of `shared/spec/calendars.md` 7.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from slotlink.domain.event import wire_time
from slotlink.domain.link import Json

ProfileNotice = Literal["profile_disconnected", "profile_initial_sync_completed"]
NoticeKind = Literal["verification", "change"] | ProfileNotice


@dataclass(frozen=True, slots=True)
class Filters:
    """Which changes a channel is told of. `calendar_ids`: sorted, each once; None is every calendar of the account.

    `only_managed`: only changes of events that the application manages."""

    calendar_ids: tuple[str, ...] | None = None
    only_managed: bool = False

    @classmethod
    def of(cls, calendar_ids: Iterable[str] | None, *, only_managed: bool) -> Filters:
        """Equal filters are equal values, in whatever order they were named."""
        return cls(None if calendar_ids is None else tuple(sorted(set(calendar_ids))), only_managed)

    def given(self) -> Json:
        """The members that differ from the default: the form of answers, and of the store."""
        return {name: value for name, value in self.whole().items() if value is not False}

    def whole(self) -> Json:
        """The form of notifications. `calendar_ids` is absent where none were named: an empty list would say none."""
        named: Json = {} if self.calendar_ids is None else {"calendar_ids": list(self.calendar_ids)}
        return {**named, "only_managed": self.only_managed}


@dataclass(frozen=True, slots=True)
class Channel:
    """`changed_since`: the first change that it has not been told of; None when there is none."""

    application_id: str
    channel_id: str
    sub: str
    callback_url: str
    filters: Filters
    changed_since: int | None = None


def notice_body(channel: Channel, kind: NoticeKind, changes_since: int | None = None) -> dict[str, Any]:
    """`changes_since` belongs to `change` alone: events updated then or later are to be read again."""
    notification: Json = {"type": kind}
    if changes_since is not None:
        notification["changes_since"] = wire_time(changes_since)
    return {
        "notification": notification,
        "channel": {
            "channel_id": channel.channel_id,
            "callback_url": channel.callback_url,
            "filters": channel.filters.whole(),
        },
    }
