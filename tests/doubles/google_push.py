"""Channels: somebody is told that a calendar changed, never what. Notices wait here until a test delivers them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import requests

from tests.doubles import google_errors as errors
from tests.doubles.google_errors import Json
from tests.doubles.google_store import Calendar, Store
from tests.doubles.service import Now

WEEK_S = 604_800  # fact: channel.default-ttl


@dataclass
class Channel:
    id: str
    user: str
    address: str
    token: str | None
    resource_id: str
    resource_uri: str
    expires_ms: int
    message: int = 1


@dataclass(frozen=True)
class Notice:
    """One POST that Google owes somebody. The body is empty."""

    url: str
    headers: dict[str, str]


Post = Callable[[Notice], int]


class Push:
    """`notices` are those not delivered yet; take some out to lose them. `lost` and `doubled` count for the next."""

    def __init__(self, store: Store, clock: Now) -> None:
        self._clock = clock
        self.channels: dict[str, Channel] = {}
        self._used_ids: set[str] = set()
        self.notices: list[Notice] = []
        self.lost = 0
        self.doubled = 0
        self.needs_https = True
        self.longest_s = WEEK_S
        self.routes: dict[str, str] = {}  # where an address really is: {"https://slotlink.test": "http://127.0.0.1:1"}
        store.on_change.append(self._calendar_changed)
        self._resources: dict[str, str] = {}

    def watch(self, user: str, resource: str, uri: str, body: Json) -> Json:
        for name in ("id", "type", "address"):
            if not body.get(name):
                raise errors.required(f"Required: {name}", name)
        if body["type"] not in ("web_hook", "webhook"):
            raise errors.RefusedError(400, "push.channelTypeNotSupported", "Unknown channel type.")
        if len(body["id"]) > 64:  # fact: channel.id-length
            raise errors.invalid("Channel id too long.", "id")
        if len(body.get("token", "")) > 256:  # fact: channel.token-length
            raise errors.invalid("Channel token too long.", "token")
        if self.needs_https and not body["address"].startswith("https://"):  # fact: channel.https
            message = f"WebHook callback must be HTTPS: {body['address']}"
            raise errors.RefusedError(400, "push.webhookUrlNotHttps", message)
        if body["id"] in self._used_ids:  # fact: channel.id-unique
            message = f"Channel id {body['id']} not unique"
            raise errors.RefusedError(400, "channelIdNotUnique", message)
        resource_id = self._resources.setdefault(f"{user} {resource}", secrets.token_urlsafe(20))
        channel = Channel(body["id"], user, body["address"], body.get("token"), resource_id, uri, self._ends(body))
        self._used_ids.add(channel.id)
        self.channels[channel.id] = channel
        self._notify(channel, "sync")  # fact: channel.sync
        answer = {"kind": "api#channel", "id": channel.id, "resourceId": resource_id, "resourceUri": uri}
        token = {"token": channel.token} if channel.token else {}
        return {**answer, **token, "expiration": str(channel.expires_ms)}

    def stop(self, user: str, body: Json) -> None:
        channel = self.channels.get(body.get("id", ""))
        if channel is None or channel.resource_id != body.get("resourceId") or channel.user != user:
            message = f"Channel '{body.get('id')}' not found for project 'double'"  # fact: channel.stop-unknown
            raise errors.RefusedError(404, "notFound", message)
        del self.channels[channel.id]

    def deliver(self, post: Post | None = None) -> list[int]:
        """Post all notices that wait, oldest first; the codes that came back. 5xx waits for another try."""
        waiting, self.notices = self.notices, []
        codes: list[int] = []
        for notice in waiting:
            codes.append((post or self._post)(notice))
            if codes[-1] in (500, 502, 503, 504):  # fact: channel.retry
                self.notices.append(notice)
        return codes

    def list_changed(self, user: str) -> None:
        self._changed("calendarList", user)

    def _calendar_changed(self, calendar: Calendar) -> None:
        self._changed(calendar.id)

    def _changed(self, resource: str, user: str | None = None) -> None:
        """Tell everybody who watches it, or only the one whose own it is."""
        for channel in list(self.channels.values()):
            watched = self._resources.get(f"{channel.user} {resource}")
            if channel.resource_id == watched and user in (None, channel.user):
                self._notify(channel, "exists")

    def _notify(self, channel: Channel, state: str) -> None:
        if channel.expires_ms <= self._clock.now * 1000:  # fact: channel.expires
            self.channels.pop(channel.id, None)
            return
        times = 1
        if state != "sync" and self.lost:  # fact: channel.unreliable
            self.lost, times = self.lost - 1, 0
        elif state != "sync" and self.doubled:
            self.doubled, times = self.doubled - 1, 2
        self.notices += [Notice(channel.address, _headers(channel, state))] * times
        channel.message += 1 + secrets.randbelow(9)  # fact: channel.message-number

    def _ends(self, body: Json) -> int:
        now = int(self._clock.now * 1000)
        wishes = [now + self.longest_s * 1000]
        if ttl := body.get("params", {}).get("ttl"):
            wishes.append(now + int(ttl) * 1000)
        if expiration := body.get("expiration"):
            wishes.append(int(expiration))
        return min(wishes)  # fact: channel.expiration-is-the-stricter

    def _post(self, notice: Notice) -> int:
        url = notice.url
        for outside, inside in self.routes.items():
            url = url.replace(outside, inside, 1)
        try:
            return requests.post(url, headers=notice.headers, timeout=20).status_code
        except requests.ConnectionError:
            return 503


def _headers(channel: Channel, state: str) -> dict[str, str]:  # fact: channel.headers
    ends = datetime.fromtimestamp(channel.expires_ms / 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return {
        "X-Goog-Channel-ID": channel.id,
        "X-Goog-Channel-Expiration": ends,
        "X-Goog-Resource-State": state,
        "X-Goog-Resource-ID": channel.resource_id,
        "X-Goog-Resource-URI": channel.resource_uri,
        "X-Goog-Message-Number": str(channel.message),
        **({"X-Goog-Channel-Token": channel.token} if channel.token else {}),
    }
