"""What an operator sees and does at the command line: links, callbacks, and the end of an application."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest

from tests.faults.commands import Folder
from tests.faults.live import LiveCenter
from tests.serving import Receiver, serving


@pytest.fixture
def center(folder: Folder, receiver: Receiver) -> Generator[LiveCenter]:
    folder.environ["SLOTLINK_CALLBACK_ALLOW"] = receiver.host
    with (
        serving(folder.path, SLOTLINK_CALLBACK_ALLOW=receiver.host) as server,
        LiveCenter.at(server, folder.environ) as center,
    ):
        yield center


def test_a_callback_that_was_given_up_is_seen_and_replayed(
    center: LiveCenter, folder: Folder, receiver: Receiver
) -> None:
    link = center.create_link(center.person("maya"), callback_urls={"completed_url": f"{receiver.url}/done"})
    receiver.answers.append(410)  # ends the attempts of this delivery
    assert link.choose(link.page().slots[0]).code == 303
    first = receiver.received.get(timeout=15)
    [item] = _until_there(folder, "callbacks", "list", "--failed", "--json")
    assert item["real_time_scheduling_id"] == link.link_id and item["state"] == "dead"
    assert [attempt["status_code"] for attempt in item["attempts"]] == [410]
    assert item["id"] in folder("callbacks", "list", "--failed").out
    assert folder("callbacks", "replay", item["id"], "--json").json == {"id": item["id"], "state": "waiting"}
    again = receiver.received.get(timeout=15)
    assert (again.body, again.headers["webhook-id"]) == (first.body, first.headers["webhook-id"])
    refused = folder("callbacks", "replay", item["id"])
    assert refused.code == 1 and "only one that was given up" in refused.err
    assert folder("callbacks", "replay", "msg_unknown").code == 1


def test_a_link_is_found_by_id_and_by_token(center: LiveCenter, folder: Folder) -> None:
    maya = center.person("maya")
    link, other = center.create_link(maya), center.create_link(maya)
    assert link.choose(link.page().slots[0]).code == 303
    by_id = folder("links", "show", link.link_id, "--json").json
    assert by_id == folder("links", "show", link.token, "--json").json
    assert by_id["real_time_scheduling"]["status"] == "completed"
    assert [entry["what"] for entry in by_id["history"]] == ["created", "completed"]
    assert link.link_id in folder("links", "show", link.token).out
    listed = folder("links", "list", "--json").json["links"]
    assert {each["real_time_scheduling_id"]: each["status"] for each in listed} == {
        link.link_id: "completed",
        other.link_id: "open",
    }
    for status, found in (("open", other.link_id), ("completed", link.link_id)):
        [only] = folder("links", "list", "--status", status, "--json").json["links"]
        assert only["real_time_scheduling_id"] == found
    assert folder("links", "list", "--status", "expired").out.strip() == "No links."
    unknown = folder("links", "show", "sch_unknown")
    assert unknown.code == 1 and "slotlink links list" in unknown.err


def test_a_leak_is_ended_in_one_step(center: LiveCenter, folder: Folder) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    address = f"/v1/real_time_scheduling/{link.link_id}"
    changed = folder("applications", "rotate-secret", center.client_id, "--now", "--json").json
    assert center.http.get(address, headers=center.key).status_code == 401
    new = {"Authorization": f"Bearer {changed['client_secret']}"}
    assert center.http.get(address, headers=new).status_code == 200
    ended = folder("applications", "revoke-tokens", center.client_id, "--json").json
    assert ended["revoked_tokens"] == 2
    assert center.http.get("/v1/userinfo", headers=maya.key).status_code == 401
    assert folder("applications", "delete", center.client_id).code == 1
    assert center.http.get(address, headers=new).status_code == 200
    assert folder("applications", "delete", center.client_id, "--yes", "--json").json["deleted_rows"] > 5
    assert center.http.get(address, headers=new).status_code == 401
    assert center.http.get(f"/rts/{link.token}").status_code == 404
    assert folder("applications", "list", "--json").json == {"applications": []}


def _until_there(folder: Folder, *command: str) -> list[dict[str, object]]:
    """The worker settles after the receiver has answered."""
    ends = time.monotonic() + 15
    while not (found := folder(*command).json["callbacks"]):
        assert time.monotonic() < ends, "nothing was given up"
    return found
