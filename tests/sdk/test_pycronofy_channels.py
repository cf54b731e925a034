"""pycronofy, unmodified, opens, lists and closes notification channels of `slotlink serve`, and checks what they are
told by its own means."""

from __future__ import annotations

import time

import pycronofy
import pytest
from pycronofy.exceptions import PyCronofyRequestError

from tests.sdk.site import Site, Visitor, at, callback
from tests.sdk.test_pycronofy import Person, link_arguments, pointed_here, refused
from tests.serving import Received, Receiver

__all__ = ["pointed_here"]  # a fixture that every test here uses


def genuine(person: Person, received: Received) -> bool:
    """As the documentation has applications check it: the header and the body as they came."""
    return person.client.hmac_valid(received.headers["cronofy-hmac-sha256"], received.body.decode())


def test_a_channel_is_opened_verified_listed_and_closed(site: Site, receiver: Receiver) -> None:
    maya = Person(site, "channel-maya")
    url = f"{receiver.url}/channel"
    channel = maya.client.create_notification_channel(url, calendar_ids=(maya.calendar_id,), only_managed=True)
    filters = {"calendar_ids": [maya.calendar_id], "only_managed": True}
    assert channel == {"channel_id": channel["channel_id"], "callback_url": url, "filters": filters}
    assert maya.client.create_notification_channel(url, [maya.calendar_id], True) == channel
    assert maya.client.list_notification_channels() == [channel]

    received = callback(receiver, "/channel")
    assert received.headers["content-type"] == "application/json; charset=utf-8"
    assert received.content == {"notification": {"type": "verification"}, "channel": channel}
    assert genuine(maya, received)
    assert not maya.client.hmac_valid(received.headers["cronofy-hmac-sha256"], received.body.decode() + " ")
    stranger = pycronofy.Client(client_id=site.client_id, client_secret="CRN_somebody_elses")
    assert not stranger.hmac_valid(received.headers["cronofy-hmac-sha256"], received.body.decode())

    assert maya.client.close_notification_channel(channel["channel_id"]) is None
    assert maya.client.list_notification_channels() == []
    with pytest.raises(PyCronofyRequestError) as excinfo:
        maya.client.close_notification_channel(channel["channel_id"])
    refused(excinfo, 404)


def test_a_channel_without_filters_is_of_everything(site: Site, receiver: Receiver) -> None:
    maya = Person(site, "channel-everything")
    channel = maya.client.create_notification_channel(f"{receiver.url}/everything")
    assert channel["filters"] == {}
    received = callback(receiver, "/everything")
    assert received.content["channel"] == {**channel, "filters": {"only_managed": False}}


def test_a_calendar_of_somebody_else_is_a_422(site: Site) -> None:
    maya, jonas = Person(site, "channel-422"), Person(site, "channel-422-jonas")
    with pytest.raises(PyCronofyRequestError) as excinfo:
        maya.client.create_notification_channel("https://x.test/", [jonas.calendar_id])
    errors = refused(excinfo, 422).json()["errors"]
    assert [fault["key"] for fault in errors["filters.calendar_ids[0]"]] == ["errors.invalid_calendar_ids"]


def test_a_booking_on_the_page_is_told_and_can_be_read_since(site: Site, receiver: Receiver) -> None:
    maya = Person(site, "channel-booking")
    channel = maya.client.create_notification_channel(f"{receiver.url}/booked")
    callback(receiver, "/booked")
    created = maya.client.real_time_scheduling(**link_arguments(maya))
    slot = Visitor(created["url"]).book()
    received = callback(receiver, "/booked")
    assert received.content["notification"]["type"] == "change" and genuine(maya, received)
    assert received.content["channel"]["channel_id"] == channel["channel_id"]
    since = received.content["notification"]["changes_since"]
    changed = maya.client.read_events(last_modified=since)
    assert [(event["summary"], event["start"]) for event in changed] == [("Interview", slot)]
    assert since <= changed.all()[0]["updated"] < at(1)


def test_a_channel_whose_receiver_is_gone_is_closed(site: Site, receiver: Receiver) -> None:
    maya = Person(site, "channel-gone")
    kept = maya.client.create_notification_channel(f"{receiver.url}/kept")
    callback(receiver, "/kept")
    receiver.answers.append(410)
    maya.client.create_notification_channel(f"{receiver.url}/gone")
    assert callback(receiver, "/gone").answered == 410
    ends = time.monotonic() + 10
    while maya.client.list_notification_channels() != [kept]:
        assert time.monotonic() < ends, "the channel is still open"
        time.sleep(0.05)
