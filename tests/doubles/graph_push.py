"""Subscriptions: who wants to hear of changes, and the notices that wait until a test delivers them."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

import requests

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_store import Calendar, Store, Stored
from tests.doubles.graph_times import parameter, stamp

LONGEST_MINUTES = 4230  # fact: subscription.longest
RETRY_S = 4 * 3600  # fact: notice.retry
EVENTS = re.compile(
    r"/?(?:me|users/(?P<user>[^/]+))/(?:calendars(?:/(?P<a>[^/(]+)|\('(?P<b>[^']+)'\))/|calendar/)?events",
    re.IGNORECASE,
)
TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95"


@dataclass
class Subscription:
    user: str
    body: Json
    calendar_id: str | None
    immutable: bool
    expires: float
    paused: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Notice:
    """One notification that Microsoft owes somebody."""

    url: str
    value: Json
    at: float


Post = Callable[[str, Json], int]


class Push:
    """`notices` are those not delivered yet; take some out to lose them. `lost` and `doubled` count for the next.
    `shuffled`: deliver in another order (with its seed). `together`: one POST for all of one address."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.subscriptions: dict[str, Subscription] = {}
        self.notices: list[Notice] = []
        self.lost = 0
        self.doubled = 0
        self.shuffled: int | None = None
        self.together = False
        self.needs_https = True
        self.longest_minutes = LONGEST_MINUTES
        self.routes: dict[str, str] = {}  # where an address really is: {"https://slotlink.test": "http://127.0.0.1:1"}
        store.on_change.append(self._changed)

    def create(self, user: str, body: Json, immutable: bool) -> Json:
        for name in ("changeType", "notificationUrl", "resource", "expirationDateTime"):
            if not body.get(name):  # fact: subscription.required
                message = f"{name} is a required property for subscription creation"
                raise errors.invalid(message, "InvalidRequest")
        if not set(body["changeType"].split(",")) <= {"created", "updated", "deleted"}:
            raise errors.invalid("Value of changeType property is invalid.", "InvalidRequest")
        if len(body.get("clientState") or "") > 128:  # fact: subscription.client-state-length
            raise errors.invalid("Value of clientState property is too long.", "InvalidRequest")
        calendar_id = self._resource(user, body["resource"])
        expires = self._expires(body["expirationDateTime"])
        urls = [body["notificationUrl"], *filter(None, [body.get("lifecycleNotificationUrl")])]
        for url in dict.fromkeys(urls):
            if self.needs_https and not url.startswith("https://"):  # fact: subscription.https
                raise errors.invalid("Notification URL must use the HTTPS protocol.", "InvalidRequest")
            self._validate(url)  # fact: subscription.lifecycle-validated
        one = Subscription(user, dict(body), calendar_id, immutable, expires)
        self.subscriptions[one.id] = one
        return self._shown(one)

    def get(self, user: str, subscription_id: str) -> Json:
        return self._shown(self._of(user, subscription_id))

    def list(self, user: str) -> Json:
        self._expire()
        return {"value": [self._shown(one) for one in self.subscriptions.values() if one.user == user]}

    def renew(self, user: str, subscription_id: str, body: Json) -> Json:  # fact: subscription.renew
        one = self._of(user, subscription_id)
        if not body.get("expirationDateTime"):
            raise errors.invalid("expirationDateTime is required.", "InvalidRequest")
        one.expires = self._expires(body["expirationDateTime"])
        one.paused = False
        return self._shown(one)

    def reauthorize(self, user: str, subscription_id: str) -> None:  # fact: subscription.reauthorize
        self._of(user, subscription_id).paused = False

    def delete(self, user: str, subscription_id: str) -> None:
        del self.subscriptions[self._of(user, subscription_id).id]

    # What tests do.

    def lifecycle(self, subscription_id: str, event: str) -> None:
        """reauthorizationRequired (no notices until then), subscriptionRemoved, missed."""  # fact: lifecycle.shape
        one = self.subscriptions[subscription_id]
        if event == "subscriptionRemoved":  # fact: lifecycle.removed
            del self.subscriptions[subscription_id]
        one.paused = one.paused or event == "reauthorizationRequired"  # fact: lifecycle.reauthorization
        if url := one.body.get("lifecycleNotificationUrl"):  # fact: lifecycle.url-needed
            self.notices.append(Notice(url, {**self._head(one), "lifecycleEvent": event}, self._store.clock.now))

    def deliver(self, post: Post | None = None) -> list[int]:
        """Post all notices that wait; the codes that came back. What is not 2xx waits for another try, 4 hours."""
        waiting, self.notices = self.notices, []
        if self.shuffled is not None:  # fact: notice.order
            random.Random(self.shuffled).shuffle(waiting)
        bundles = [[one] for one in waiting]
        if self.together:  # fact: notice.collection
            bundles = [[one for one in waiting if one.url == url] for url in dict.fromkeys(one.url for one in waiting)]
        codes: list[int] = []
        for bundle in bundles:
            codes.append((post or self._post)(bundle[0].url, {"value": [one.value for one in bundle]}))
            if not 200 <= codes[-1] < 300:
                self.notices += [one for one in bundle if one.at + RETRY_S > self._store.clock.now]
        return codes

    def _changed(self, calendar: Calendar, stored: Stored, what: str) -> None:
        self._expire()
        for one in self.subscriptions.values():
            wants = what in one.body["changeType"].split(",") and not one.paused
            if not wants or one.user != calendar.owner or one.calendar_id not in (None, calendar.id):
                continue
            times = 1
            if self.lost:
                self.lost, times = self.lost - 1, 0
            elif self.doubled:  # fact: notice.doubled
                self.doubled, times = self.doubled - 1, 2
            event_id = stored.id(one.immutable)  # fact: notice.immutable
            resource = f"Users/{self._store.people[one.user].id}/Events/{event_id}"
            data = {"@odata.type": "#Microsoft.Graph.Event", "@odata.id": resource, "@odata.etag": stored.etag}
            value = {
                **self._head(one),
                "changeType": what,
                "resource": resource,
                "resourceData": {**data, "id": event_id},
            }
            self.notices += [Notice(one.body["notificationUrl"], value, self._store.clock.now)] * times

    def _head(self, one: Subscription) -> Json:  # fact: notice.shape  fact: notice.client-state
        return {
            "subscriptionId": one.id,
            "subscriptionExpirationDateTime": stamp(one.expires),
            "tenantId": TENANT,
            "clientState": one.body.get("clientState"),
        }

    def _shown(self, one: Subscription) -> Json:  # fact: subscription.shape
        names = ("resource", "changeType", "clientState", "notificationUrl", "lifecycleNotificationUrl")
        return {
            "id": one.id,
            **{name: one.body.get(name) for name in names},
            "applicationId": "24d3b144-21ae-4080-943f-7067b395b913",
            "creatorId": self._store.people[one.user].id,
            "expirationDateTime": stamp(one.expires),
            "includeResourceData": None,
            "latestSupportedTlsVersion": one.body.get("latestSupportedTlsVersion", "v1_2"),
            "notificationQueryOptions": None,
        }

    def _of(self, user: str, subscription_id: str) -> Subscription:
        self._expire()
        one = self.subscriptions.get(subscription_id)
        if one is None or one.user != user:  # fact: subscription.expires
            raise errors.RefusedError(404, "ResourceNotFound", "The object was not found.")
        return one

    def _expire(self) -> None:
        now = self._store.clock.now
        for one in [one for one in self.subscriptions.values() if one.expires <= now]:
            del self.subscriptions[one.id]

    def _expires(self, text: str) -> float:
        minutes = (parameter(text) - self._store.clock.now) / 60
        if minutes > self.longest_minutes:  # fact: subscription.longest
            message = f"Subscription expiration can only be {self.longest_minutes} minutes in the future."
            raise errors.invalid(message, "InvalidRequest")
        if minutes <= 0:
            raise errors.invalid("Subscription expiration must be in the future.", "InvalidRequest")
        return parameter(text)

    def _resource(self, user: str, resource: str) -> str | None:
        found = EVENTS.fullmatch(resource)  # fact: subscription.resource
        if found is None:
            raise errors.invalid(f"Invalid resource: {resource}", "InvalidRequest")
        if found["user"] not in (None, user, self._store.people[user].id):  # fact: subscription.own-mailbox
            raise errors.access_denied()
        calendar_id = found["a"] or found["b"]
        return self._store.calendar(user, calendar_id).id if calendar_id else None

    def _validate(self, url: str) -> None:
        """The address must give the token back as plain text."""  # fact: subscription.validation
        token = f"Validation: Testing client application reachability. Request-Id: {uuid.uuid4()}"
        glue = "&" if "?" in url else "?"
        plain = {"Content-Type": "text/plain; charset=utf-8"}
        try:
            sent = f"{self._inside(url)}{glue}validationToken={quote(token, safe='')}"
            answer = requests.post(sent, headers=plain, timeout=10)
        except requests.RequestException:
            raise errors.invalid("Subscription validation request timed out.", "InvalidRequest") from None
        is_plain = answer.headers.get("Content-Type", "").startswith("text/plain")
        if answer.status_code != 200 or answer.text != token or not is_plain:
            message = "Subscription validation request failed. Must respond with 200 OK to this request."
            raise errors.invalid(message, "InvalidRequest")

    def _post(self, url: str, body: Json) -> int:
        try:
            return requests.post(self._inside(url), json=body, timeout=20).status_code
        except requests.RequestException:
            return 503

    def _inside(self, url: str) -> str:
        for outside, inside in self.routes.items():
            url = url.replace(outside, inside, 1)
        return url
