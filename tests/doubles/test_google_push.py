"""Google's double: channels, and the notices on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.doubles.google import GoogleDouble
from tests.doubles.google_caller import Caller, events_path, reason
from tests.doubles.google_person import GooglePerson
from tests.doubles.google_push import Notice
from tests.doubles.google_world import ANN, BEN, at
from tests.doubles.service import Clock
from tests.serving import Receiver

CHANNEL = {"id": "c-1", "type": "web_hook", "address": "https://slotlink.test/push", "token": "secret"}
WEEK_S = 604_800


def utc(hour: int, day: int = 5, month: int = 3) -> datetime:
    return datetime(2027, month, day, hour, tzinfo=UTC)


def watch(api: Caller, calendar: str = "primary", **more: Any) -> Any:
    return api("POST", f"{events_path(calendar)}/watch", {**CHANNEL, **more})


def test_a_channel_says_that_something_changed(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    made = watch(api).json()
    assert (made["kind"], made["id"], made["token"]) == ("api#channel", "c-1", "secret")
    ann.creates(utc(9), utc(10))
    google.person(BEN).creates(utc(9), utc(10))
    sync, change = google.push.notices
    assert (sync.headers["X-Goog-Resource-State"], sync.headers["X-Goog-Message-Number"]) == ("sync", "1")
    # fact: channel.sync
    assert sync.url == CHANNEL["address"]
    assert change.headers["X-Goog-Resource-State"] == "exists"  # fact: channel.headers
    assert change.headers["X-Goog-Channel-ID"] == "c-1"
    assert change.headers["X-Goog-Channel-Token"] == "secret"
    assert change.headers["X-Goog-Resource-ID"] == made["resourceId"]
    assert change.headers["X-Goog-Channel-Expiration"] == "Thu, 11 Mar 2027 09:00:00 GMT"
    assert int(change.headers["X-Goog-Message-Number"]) > 1  # fact: channel.message-number


@pytest.mark.parametrize(
    ("member", "value", "wanted"),
    [
        pytest.param("id", "", "required", id="no-id"),
        pytest.param("id", "i" * 65, "invalid", id="long-id"),  # fact: channel.id-length
        pytest.param("token", "t" * 257, "invalid", id="long-token"),  # fact: channel.token-length
        pytest.param("type", "mail", "push.channelTypeNotSupported", id="type"),
        pytest.param("address", "http://slotlink.test/", "push.webhookUrlNotHttps", id="http"),  # fact: channel.https
    ],
)
def test_what_a_channel_must_have(api: Caller, member: str, value: str, wanted: str) -> None:
    assert reason(watch(api, **{member: value})) == (400, wanted)


def test_a_channel_id_is_used_once(api: Caller) -> None:  # fact: channel.id-unique
    assert watch(api).status_code == 200
    assert reason(watch(api)) == (400, "channelIdNotUnique")


def test_a_channel_ends_at_its_time(google: GoogleDouble, api: Caller, ann: GooglePerson, clock: Clock) -> None:
    now = int(clock.now)
    assert watch(api).json()["expiration"] == str((now + WEEK_S) * 1000)  # fact: channel.default-ttl
    shorter = watch(api, id="c-2", params={"ttl": "60"}).json()
    assert shorter["expiration"] == str((now + 60) * 1000)
    longer = watch(api, id="c-3", expiration=str((now + 2 * WEEK_S) * 1000)).json()
    assert longer["expiration"] == str((now + WEEK_S) * 1000)  # fact: channel.expiration-is-the-stricter
    google.push.notices.clear()
    clock.advance(60)
    ann.creates(utc(9), utc(10))
    told = [notice.headers["X-Goog-Channel-ID"] for notice in google.push.notices]
    assert told == ["c-1", "c-3"]  # fact: channel.expires
    clock.advance(WEEK_S)
    google.push.notices.clear()
    ann.creates(utc(9), utc(10))
    assert google.push.notices == []


def test_a_stopped_channel_is_silent(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    made = watch(api).json()
    google.push.notices.clear()
    wrong = api("POST", "/channels/stop", {"id": "c-1", "resourceId": "other"})
    assert reason(wrong) == (404, "notFound")  # fact: channel.stop-unknown
    stopped = api("POST", "/channels/stop", {"id": "c-1", "resourceId": made["resourceId"]})
    assert (stopped.status_code, stopped.content) == (204, b"")  # fact: channel.stop-204
    ann.creates(utc(9), utc(10))
    assert google.push.notices == []  # fact: channel.stop


def test_notices_get_lost_and_come_twice(google: GoogleDouble, api: Caller, ann: GooglePerson) -> None:
    watch(api)
    google.push.notices.clear()
    google.push.lost = 1  # fact: channel.unreliable
    ann.creates(utc(9), utc(10))
    assert google.push.notices == []
    google.push.doubled = 1  # fact: channel.doubled
    ann.creates(utc(9), utc(10))
    first, second = google.push.notices
    assert first == second
    google.push.notices.clear()
    ann.creates(utc(9), utc(10))
    assert len(google.push.notices) == 1


def test_notices_are_posted_where_the_address_really_is(google: GoogleDouble, api: Caller) -> None:
    receiver = Receiver()
    google.push.routes["https://slotlink.test"] = receiver.url
    watch(api)
    receiver.answers = [503, 200]
    assert google.push.deliver() == [503]  # fact: channel.retry
    assert google.push.deliver() == [200]
    assert google.push.deliver() == []
    came = receiver.received.get(timeout=20)
    assert (came.path, came.body, came.headers["x-goog-channel-id"]) == ("/push", b"", "c-1")
    receiver.close()

    def refuse(_: Notice) -> int:
        return 404

    watch(api, id="c-2")
    assert (google.push.deliver(refuse), google.push.notices) == ([404], [])


def test_a_list_of_calendars_is_watched_too(google: GoogleDouble, api: Caller) -> None:
    assert api("POST", "/users/me/calendarList/watch", CHANNEL).status_code == 200
    google.push.notices.clear()
    google.person(BEN).shares("primary", ANN, "reader")
    assert [notice.headers["X-Goog-Resource-State"] for notice in google.push.notices] == ["exists"]
    api.insert(at("10:00", "11:00"))
    google.person(ANN).shares("primary", BEN, "reader")  # a change of Ben's list
    assert len(google.push.notices) == 1
