"""`/v1/channels`: opened, listed and closed. What channels are told: `test_channel_notices.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slotlink.services import channels as services
from slotlink.store import channels
from tests.api.asking import bearer, callbacks, change, dump, faults, other_application, rows
from tests.center import START, Center, Json, Person
from tests.contract.test_openapi import fits, schema_of

CHANNELS = "/v1/channels"
URL = "https://application.test/changes"


def open_one(person: Person, url: Any = URL, **members: Any) -> Any:
    body = {"callback_url": url, **members}
    return person.center.http.post(CHANNELS, json=body, headers=person.key)


def opened(person: Person, url: str = URL, **members: Any) -> Json:
    answer = open_one(person, url, **members)
    assert answer.status_code == 200, answer.text
    return answer.json()["channel"]


def listed(person: Person) -> list[Json]:
    answer = person.center.http.get(CHANNELS, headers=person.key)
    assert answer.status_code == 200 and list(answer.json()) == ["channels"]
    return answer.json()["channels"]


def close(person: Person, channel: Json, **body: Any) -> Any:
    return person.center.http.request("DELETE", f"{CHANNELS}/{channel['channel_id']}", headers=person.key, **body)


def in_store(center: Center, action: Callable[[Any, Any, str], Any]) -> Any:
    """Run `action(deps, connection, application_id)` in a transaction, as a service beneath would."""

    async def run(deps: Any) -> Any:
        async with deps.database.transaction() as connection:
            return await action(deps, connection, center.client_id)

    return center.run(run)


def note(person: Person, *, managed: bool = False, seconds: int = 0, calendar_id: str | None = None) -> None:
    """A change that many seconds from now, as a mirror notes it."""
    at = int(person.center.clock()) + seconds

    async def noted(_deps: Any, connection: Any, application_id: str) -> None:
        changed = [calendar_id or person.calendar_id]
        await channels.note_change(connection, application_id, person.sub, changed, at, managed=managed)

    in_store(person.center, noted)


def tell(center: Center, seconds: int = 0) -> int:
    """What the worker does at each of its turns."""
    return center.run(lambda deps: services.tell_due(deps, int(center.clock()) + seconds))


def notices(center: Center, kind: str | None = None) -> list[Json]:
    found = callbacks(center)
    return [body for body in found if kind in (None, body["notification"]["type"])]


def test_a_channel_is_answered_with_the_filters_that_differ_from_the_default(center: Center) -> None:
    maya = center.person("maya")
    plain = opened(maya)
    assert plain == {"channel_id": plain["channel_id"], "callback_url": URL, "filters": {}}
    assert plain["channel_id"].startswith("chn_") and len(plain["channel_id"]) == 28
    both = opened(maya, filters={"calendar_ids": [maya.calendar_id], "only_managed": True})
    assert both["filters"] == {"calendar_ids": [maya.calendar_id], "only_managed": True}
    default = opened(maya, "https://application.test/2", filters={"only_managed": False})
    assert default["filters"] == {}
    assert {each["channel_id"]: each for each in listed(maya)} == {
        each["channel_id"]: each for each in (plain, both, default)
    }


def test_channels_are_listed_in_the_order_they_were_made(center: Center) -> None:
    maya = center.person("maya")
    made: list[Json] = []
    for number in range(4):
        made.append(opened(maya, f"{URL}/{number}"))
        center.clock.now += 1
    assert listed(maya) == made


def test_a_verification_follows_at_once_with_every_filter(center: Center) -> None:
    maya = center.person("maya")
    first = opened(maya)
    second = opened(maya, filters={"calendar_ids": [maya.calendar_id]})
    assert notices(center) == [
        {"notification": {"type": "verification"}, "channel": {**first, "filters": {"only_managed": False}}},
        {
            "notification": {"type": "verification"},
            "channel": {**second, "filters": {"calendar_ids": [maya.calendar_id], "only_managed": False}},
        },
    ]
    with rows(center) as connection:
        found = connection.execute(
            "SELECT channel_id, link_id, kind, url, host, state, due_at FROM outbox ORDER BY rowid"
        ).fetchall()
    assert [tuple(row) for row in found] == [
        (each["channel_id"], None, "callback", URL, "application.test:443", "waiting", START)
        for each in (first, second)
    ]


def test_the_same_again_is_the_same_channel_and_is_not_verified_again(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    second = center.http.post(
        "/v1/calendars", json={"profile_id": maya.profile_id, "name": "Second"}, headers=maya.key
    ).json()["calendar"]["calendar_id"]
    ids = [maya.calendar_id, second]
    channel = opened(maya, filters={"calendar_ids": ids})
    for same in (ids, ids[::-1], [*ids, second]):
        assert opened(maya, filters={"calendar_ids": same, "only_managed": "false", "unknown": 1}) == channel
    assert listed(maya) == [channel] and len(notices(center)) == 1
    assert opened(jonas)["channel_id"] != opened(maya)["channel_id"] != channel["channel_id"]
    close(maya, channel)
    assert opened(maya, filters={"calendar_ids": ids})["channel_id"] != channel["channel_id"], "a closed one stays so"


@pytest.mark.parametrize("body", [{"content": b"{}"}, {"content": b"[]"}, {}, {"content": b"not json"}])
def test_a_channel_is_closed_whatever_the_body(center: Center, body: Json) -> None:
    maya = center.person("maya")
    channel, other = opened(maya), opened(maya, f"{URL}/other")
    answer = close(maya, channel, **body)
    assert (answer.status_code, answer.content) == (202, b"")
    assert listed(maya) == [other]
    answer = close(maya, channel, **body)
    assert (answer.status_code, answer.content) == (404, b""), "it is unknown now"


def test_nothing_is_sent_to_a_closed_channel(center: Center) -> None:
    maya = center.person("maya")
    channel = opened(maya)
    note(maya)
    close(maya, channel)
    note(maya)
    assert tell(center, 60) == 0
    with rows(center) as connection:
        assert [row["state"] for row in connection.execute("SELECT state FROM outbox")] == ["dead"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"callback_url=https%3A%2F%2Fapplication.test%2Fchanges"),
        (
            "application/x-www-form-urlencoded",
            b"callback_url=https%3A%2F%2Fapplication.test%2Fchanges"
            b"&filters%5Bonly_managed%5D=true&filters[calendar_ids][]=CALENDAR",
        ),
        ("text/plain", b'{"callback_url": "https://application.test/changes", "filters": null, "unknown": []}'),
        (
            "application/json",
            b'{"callback_url": "https://application.test/changes", "filters": {"only_managed": null}}',
        ),
    ],
    ids=["form", "form with filters", "JSON without its type", "JSON with nulls"],
)
def test_forms_and_json_are_read(center: Center, content_type: str, body: bytes) -> None:
    maya = center.person("maya")
    filled = body.replace(b"CALENDAR", maya.calendar_id.encode())
    answer = center.http.post(CHANNELS, content=filled, headers={**maya.key, "Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    channel = answer.json()["channel"]
    assert channel["callback_url"] == URL
    filtered = {"calendar_ids": [maya.calendar_id], "only_managed": True}
    assert channel["filters"] == (filtered if b"filters%5B" in body else {})


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({"callback_url": None}, {"callback_url": ["errors.required"]}, id="no URL"),
        pytest.param({"callback_url": ""}, {"callback_url": ["errors.invalid_format"]}, id="an empty URL"),
        pytest.param({"callback_url": 7}, {"callback_url": ["errors.invalid_format"]}, id="a number"),
        pytest.param({"callback_url": "ftp://x.test/"}, {"callback_url": ["errors.invalid_format"]}, id="ftp"),
        pytest.param({"callback_url": "/changes"}, {"callback_url": ["errors.invalid_format"]}, id="no host"),
        pytest.param({"callback_url": "http://10.0.0.1/"}, {"callback_url": ["errors.not_supported"]}, id="internal"),
        pytest.param(
            {"callback_url": "https://localhost/x"}, {"callback_url": ["errors.not_supported"]}, id="this machine"
        ),
        pytest.param(
            {"callback_url": "https://x.test/" + "x" * 2048}, {"callback_url": ["errors.too_long"]}, id="a long URL"
        ),
        pytest.param({"filters": []}, {"filters": ["errors.invalid_format"]}, id="a list of filters"),
        pytest.param(
            {"filters": {"calendar_ids": []}}, {"filters.calendar_ids": ["errors.required"]}, id="no calendar"
        ),
        pytest.param(
            {"filters": {"calendar_ids": "cal_a"}}, {"filters.calendar_ids": ["errors.invalid_format"]}, id="no list"
        ),
        pytest.param(
            {"filters": {"calendar_ids": [7]}}, {"filters.calendar_ids[0]": ["errors.invalid_format"]}, id="no id"
        ),
        pytest.param(
            {"filters": {"calendar_ids": ["OWN", "cal_no_such"]}},
            {"filters.calendar_ids[1]": ["errors.invalid_calendar_ids"]},
            id="an unknown calendar",
        ),
        pytest.param(
            {"filters": {"calendar_ids": ["OF JONAS", "OWN", "OF JONAS"]}},
            {
                "filters.calendar_ids[0]": ["errors.invalid_calendar_ids"],
                "filters.calendar_ids[2]": ["errors.invalid_calendar_ids"],
            },
            id="somebody else's",
        ),
        pytest.param(
            {"callback_url": "x", "filters": {"only_managed": "yes", "calendar_ids": []}},
            {
                "callback_url": ["errors.invalid_format"],
                "filters.only_managed": ["errors.must_be_boolean"],
                "filters.calendar_ids": ["errors.required"],
            },
            id="everything at once",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(center: Center, members: Json, expected: Json) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    ids = {"OWN": maya.calendar_id, "OF JONAS": jonas.calendar_id}
    named = members.get("filters")
    if isinstance(named, dict) and isinstance(named.get("calendar_ids"), list):  # pyright: ignore[reportUnknownMemberType]
        members = {
            **members,
            "filters": {**named, "calendar_ids": [ids.get(each, each) for each in named["calendar_ids"]]},
        }
    before = dump(center)
    answer = center.http.post(CHANNELS, json={"callback_url": URL, **members}, headers=maya.key)
    assert faults(answer) == expected
    assert dump(center) == before


def test_a_deleted_calendar_is_none_of_the_account(center: Center) -> None:
    maya = center.person("maya")
    change(center, "UPDATE calendars SET deleted = 1 WHERE calendar_id = ?", maya.calendar_id)
    refused = faults(open_one(maya, filters={"calendar_ids": [maya.calendar_id]}))
    assert refused == {"filters.calendar_ids[0]": ["errors.invalid_calendar_ids"]}


def test_an_internal_address_on_the_operators_list_may_be_told(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_CALLBACK_ALLOW="127.0.0.1:8080") as center:
        maya = center.person("maya")
        opened(maya, "http://127.0.0.1:8080/x")
        assert list(faults(open_one(maya, "http://127.0.0.1:8081/x"))) == ["callback_url"]
        with rows(center) as connection:
            assert [row["host"] for row in connection.execute("SELECT host FROM outbox")] == ["127.0.0.1:8080"]


def test_an_account_has_room_for_128(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    first = opened(maya)

    async def fill(_deps: Any, connection: Any, application_id: str) -> None:
        for number in range(126):
            url = f"{URL}/{number}"
            await channels.create(connection, application_id, maya.sub, url, channels.Filters(), START)

    in_store(center, fill)
    opened(maya, f"{URL}/the-last")
    assert faults(open_one(maya, f"{URL}/one-more")) == {"base": ["errors.too_many"]}
    assert opened(maya) == first, "the same again is not more"
    opened(jonas, f"{URL}/one-more")
    close(maya, first)
    opened(maya, f"{URL}/one-more")
    assert len(listed(maya)) == 128


def test_channels_take_an_access_token_and_nothing_else(center: Center) -> None:
    maya = center.person("maya")
    channel = opened(maya)
    body = {"callback_url": f"{URL}/x", "client_id": center.client_id, "client_secret": center.client_secret}
    before = dump(center)
    for method, path in (("POST", CHANNELS), ("GET", CHANNELS), ("DELETE", f"{CHANNELS}/{channel['channel_id']}")):
        for headers, code in ((center.key, 403), ({}, 401), (bearer("nobody"), 401), (bearer(maya.refresh_token), 401)):
            answer = center.http.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.content) == (code, b""), (method, path)
    assert dump(center) == before


def test_a_channel_is_seen_by_its_account_alone(center: Center) -> None:
    credentials, stranger = other_application(center)
    maya, jonas = center.person("maya"), center.person("jonas")
    namesake = center.person("maya", credentials=credentials)
    channel = opened(maya)
    for other in (jonas, stranger, namesake):
        assert listed(other) == []
        answer = close(other, channel)
        assert (answer.status_code, answer.content) == (404, b"")
    assert listed(maya) == [channel]


def test_a_key_opens_one_channel_and_verifies_it_once(center: Center) -> None:
    maya = center.person("maya")
    headers = {**maya.key, "Idempotency-Key": "one"}
    answers = [center.http.post(CHANNELS, json={"callback_url": URL}, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content and "idempotent-replayed" in answers[1].headers
    close(maya, answers[0].json()["channel"])
    again = center.http.post(CHANNELS, json={"callback_url": URL}, headers=headers)
    assert again.content == answers[0].content and listed(maya) == [], "the answer is kept, not the effect made anew"
    assert len(notices(center)) == 1


def test_the_worker_is_woken_when_the_verification_is_committed(
    center: Center, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = center.person("maya")
    seen: list[int] = []

    def look(_waker: Any) -> None:
        with rows(center) as connection:
            seen.append(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    monkeypatch.setattr("slotlink.worker.waker.Waker.__call__", look)
    opened(maya)
    headers = {**maya.key, "Idempotency-Key": "one"}
    assert center.http.post(CHANNELS, json={"callback_url": f"{URL}/2"}, headers=headers).status_code == 200
    assert seen == [1, 2]


def test_answers_fit_the_document(center: Center) -> None:
    maya = center.person("maya")
    document = center.http.get("/openapi.json").json()
    opened(maya)
    answer = open_one(maya, filters={"calendar_ids": [maya.calendar_id], "only_managed": True})
    assert fits(schema_of(document, "POST", CHANNELS), answer.json()) == []
    assert fits(schema_of(document, "GET", CHANNELS), {"channels": listed(maya)}) == []
    assert fits(schema_of(document, "POST", CHANNELS, 422), open_one(maya, None).json()) == []
