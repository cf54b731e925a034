"""What notification channels are told, and when; and the receiver of docs/channels.md."""

from __future__ import annotations

import http.client
import http.server
import re
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from slotlink.domain.callback import signature_headers
from slotlink.domain.event import wire_time
from slotlink.services import channels as services
from tests.api.asking import change, rows
from tests.api.test_channels import URL, close, in_store, listed, note, notices, opened, tell
from tests.center import DAY, HOUR, START, Center, Json


def fail(center: Center, seconds: int = 60) -> None:
    """Everything that waits has been tried once, in vain."""
    change(center, "UPDATE outbox SET attempts = 1, due_at = due_at + ? WHERE state = 'waiting'", seconds)


def test_changes_are_told_once_since_the_first_of_them(center: Center) -> None:
    maya = center.person("maya")
    channel = opened(maya, filters={"calendar_ids": [maya.calendar_id]})
    assert tell(center, 60) == 0 and notices(center, "change") == []
    note(maya)
    note(maya, seconds=1)
    assert tell(center, 1) == 0, "more may come within two seconds"
    assert tell(center, 2) == 1
    told = {
        "notification": {"type": "change", "changes_since": wire_time(START)},
        "channel": {**channel, "filters": {"calendar_ids": [maya.calendar_id], "only_managed": False}},
    }
    assert notices(center, "change") == [told]
    assert tell(center, 60) == 0
    note(maya, seconds=61)
    assert tell(center, 63) == 1
    assert notices(center, "change")[1]["notification"]["changes_since"] == wire_time(START + 61)


def test_only_channels_whose_filters_match_are_told(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    every, managed = opened(maya), opened(maya, filters={"only_managed": True})
    opened(jonas)
    note(maya)
    assert tell(center, 2) == 1
    note(maya, managed=True)
    note(maya, calendar_id="cal_another", managed=True)
    assert tell(center, 2) == 2
    ids = [body["channel"]["channel_id"] for body in notices(center, "change")]
    assert sorted(ids) == sorted([every["channel_id"], every["channel_id"], managed["channel_id"]])


def test_calls_of_the_application_itself_are_not_told(center: Center) -> None:
    maya = center.person("maya")
    opened(maya)
    maya.event("lunch", START + DAY, START + DAY + HOUR)
    maya.event("lunch", START + DAY, START + DAY + 2 * HOUR)
    for call in (
        ("DELETE", f"/v1/calendars/{maya.calendar_id}/events", {"event_id": "lunch"}),
        ("DELETE", "/v1/events", {"delete_all": True}),
    ):
        assert center.http.request(call[0], call[1], json=call[2], headers=maya.key).status_code == 202
    assert tell(center, 60) == 0


def test_more_channels_than_fit_a_transaction_are_told_in_several(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "TOLD_AT_ONCE", 2)
    maya = center.person("maya")
    for number in range(5):
        opened(maya, f"{URL}/{number}")
    note(maya)
    assert [tell(center, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert len({body["channel"]["channel_id"] for body in notices(center, "change")}) == 5


def test_a_receiver_that_fails_is_told_of_further_changes_later(center: Center) -> None:
    """Changes that nobody hears of do not pile up; when they are told at last, it is since the first of them."""
    maya = center.person("maya")
    opened(maya)
    change(center, "UPDATE outbox SET state = 'delivered'")
    note(maya)
    assert tell(center, 2) == 1, "the first"
    note(maya, seconds=3)
    assert tell(center, 5) == 1, "the first is still under way"
    fail(center)
    note(maya, seconds=10)
    assert [tell(center, seconds) for seconds in (12, 13, 304)] == [0, 0, 0]
    note(maya, seconds=200)
    assert tell(center, 202) == 0
    assert tell(center, 305) == 1
    assert notices(center, "change")[-1]["notification"]["changes_since"] == wire_time(START + 10)
    fail(center)
    note(maya, seconds=310)
    assert tell(center, 312) == 0
    change(center, "UPDATE outbox SET state = 'delivered'")
    note(maya, seconds=320)
    assert tell(center, 322) == 1, "it answers again"
    assert notices(center, "change")[-1]["notification"]["changes_since"] == wire_time(START + 310)


@pytest.mark.parametrize("kind", ["profile_disconnected", "profile_initial_sync_completed"])
def test_every_channel_of_an_account_is_told_about_its_profile(center: Center, kind: Any) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    made = [opened(maya), opened(maya, f"{URL}/2", filters={"only_managed": True, "calendar_ids": [maya.calendar_id]})]
    opened(jonas)
    close(maya, opened(maya, f"{URL}/closed"))

    async def told(deps: Any, connection: Any, application_id: str) -> None:
        await services.tell_profile(deps, connection, application_id, maya.sub, kind, START)

    in_store(center, told)
    found = notices(center, kind)
    assert [body["notification"] for body in found] == [{"type": kind}] * 2
    assert {body["channel"]["channel_id"] for body in found} == {channel["channel_id"] for channel in made}


def test_a_notification_that_is_given_up_closes_its_channel(center: Center) -> None:
    maya = center.person("maya")
    given_up, kept = opened(maya), opened(maya, f"{URL}/kept")
    note(maya)

    async def failed(_deps: Any, connection: Any, application_id: str) -> None:
        for _ in range(2):  # of two that are given up, the second finds it closed
            await services.close_after_failure(connection, application_id, given_up["channel_id"], START)

    in_store(center, failed)
    assert listed(maya) == [kept]
    assert tell(center, 2) == 1 and notices(center, "change")[0]["channel"]["channel_id"] == kept["channel_id"]
    with rows(center) as connection:
        states = connection.execute("SELECT channel_id, state FROM outbox ORDER BY rowid").fetchall()
    assert [tuple(row) for row in states][:2] == [(given_up["channel_id"], "dead"), (kept["channel_id"], "waiting")]


def test_the_bytes_of_a_notification_are_fixed_when_it_is_promised(center: Center) -> None:
    maya = center.person("maya")
    opened(maya)
    before = notices(center)
    change(center, "UPDATE channels SET callback_url = 'https://elsewhere.test/', filters = '{}'")
    assert notices(center) == before


def example() -> Json:
    """The receiver of docs/channels.md, as a module: the indented lines from its first import to the next prose."""
    text = (Path(__file__).parents[2] / "docs" / "channels.md").read_text()
    [block] = re.findall(r"\n\n((?:    import .*\n)(?:(?:    .*)?\n)+)", text)
    source = textwrap.dedent(block)
    assert source.rstrip().endswith("serve_forever()")
    module: Json = {"__name__": "receiver"}
    exec(compile(source, "docs/channels.md", "exec"), module)
    return module


def test_the_example_of_the_documentation_takes_what_is_genuine(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "CRN_new")
    body = b'{"notification":{"type":"change","changes_since":"2027-03-09T14:00:00Z"},"channel":{}}'
    verification = b'{"notification":{"type":"verification"},"channel":{}}'
    server = http.server.HTTPServer(("127.0.0.1", 0), example()["Receiver"])
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def post(content: bytes, header: str | None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
        try:
            connection.request("POST", "/changes", content, {} if header is None else {"Cronofy-HMAC-SHA256": header})
            return connection.getresponse().status
        finally:
            connection.close()

    def signed(content: bytes, *secrets: str) -> str:
        return signature_headers(content, "msg_1", secrets, START)["Cronofy-HMAC-SHA256"]

    try:
        assert post(body, signed(body, "CRN_old", "CRN_new")) == 204
        assert post(verification, signed(verification, "CRN_new")) == 204
        refused = (None, "", "é", signed(body, "CRN_old"), signed(verification, "CRN_new"))
        assert [post(body, header) for header in refused] == [403] * len(refused)
    finally:
        server.shutdown()
        server.server_close()
    assert capfd.readouterr().out == "read /v1/events?tzid=Etc/UTC&last_modified=2027-03-09T14:00:00Z\n"
