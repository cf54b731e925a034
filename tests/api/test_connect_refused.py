"""What is refused on the way to connecting an account, and who hears what of it: the person, the application, and the
operator. Whatever goes wrong, nothing is changed and no password is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.services import connecting, sign_in
from slotlink.web import connect_page, connect_view
from tests.api.asking import capture_log, dump
from tests.api.connecting import BACK, CHALLENGE, Browser, allow, authorize_url, make_calendar, read, tokens_for
from tests.center import Center, ReadPage
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running

WRONG = "wrong-but-secret"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    folder = tmp_path_factory.mktemp("radicale")
    with running(Radicale, folder) as server:
        (folder / "users").write_text("alice:pw1\nempty:pw1\n")
        make_calendar(server, "Work")
        yield server


@pytest.fixture
def center(tmp_path: Path, server: CalDavServer) -> Generator[Center]:
    with Center(tmp_path, SLOTLINK_CALENDAR_ALLOW=server.url.removeprefix("http://")) as center:
        allow(center)
        yield center


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": "unknown"}, "not known to this server"),
        ({"client_id": None}, "not known to this server"),
        ({"client_id": "\x00"}, "not known to this server"),
        ({"redirect_uri": BACK + "&x"}, "not registered"),
        ({"redirect_uri": BACK.upper()}, "not registered"),
        ({"redirect_uri": None}, "not registered"),
        ({"redirect_uri": "é\x00"}, "not registered"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_whom_we_do_not_know_we_send_nobody_to(center: Center, changes: dict[str, str | None], reason: str) -> None:
    """Also where the rest of the request is wrong."""
    for more in ({}, {"scope": "all"}, {"response_type": "token"}):
        answer = center.http.get(authorize_url(center, **{**more, **changes}))
        assert answer.status_code == 400 and "location" not in answer.headers
        assert reason in answer.text and "application.test" not in answer.text
        assert answer.headers["content-security-policy"].endswith("form-action 'self'")
        assert answer.headers["cache-control"] == "no-store"


def test_a_foreign_redirect_uri_is_not_ours(center: Center) -> None:
    client_id, _ = center.new_application("Initech")
    allow(center, "https://initech.test/", client_id)
    assert center.http.get(authorize_url(center, redirect_uri="https://initech.test/")).status_code == 400
    assert center.http.get(authorize_url(center, client_id=client_id)).status_code == 400


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_name_is_no_name(center: Center, name: str) -> None:
    value = {"client_id": center.client_id, "redirect_uri": BACK}[name]
    answer = center.http.get(authorize_url(center) + f"&{name}={value.replace('?', '%3F')}")
    assert answer.status_code == 400 and "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "read_events everything"}, "invalid_scope"),
        ({"scope": "read_write"}, "invalid_scope"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"link_token": "unknown"}, "invalid_request"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_an_application_that_asks_wrongly_is_told(center: Center, changes: dict[str, str | None], error: str) -> None:
    before = dump(center)
    for state in ("st te/+&=é", None):
        browser = Browser(center).open(authorize_url(center, **{"state": state, **changes}))
        brought = browser.brought
        assert brought.pop("error_description").isascii()
        assert brought == {"error": error, **({"state": state} if state is not None else {})}
    assert dump(center) == before


def test_a_long_state_and_a_repeated_scope(center: Center) -> None:
    assert Browser(center).open(authorize_url(center, state="x" * 2001)).brought.keys() == {
        "error",
        "error_description",
    }
    assert Browser(center).open(authorize_url(center) + "&scope=read_events").brought["error"] == "invalid_request"
    assert center.http.get(authorize_url(center, state="x" * 2000)).status_code == 200


def test_members_without_meaning_are_ignored(center: Center) -> None:
    url = authorize_url(center, provider_name="", avoid_linking="False", locale="de", delegated_scope="x", other="y")
    assert center.http.get(url).status_code == 200
    exchange = center.http.get(authorize_url(center, provider_name="exchange"))
    assert exchange.status_code == 200 and "Where is your calendar?" in exchange.text
    apple = ReadPage(center.http.get(authorize_url(center, provider_name="apple")))
    assert "App-specific password" in apple.text and not apple.forms[0].values("address")


def attempt(center: Center, provider: str = "caldav", **fields: str) -> Browser:
    browser = Browser(center).open(authorize_url(center, provider_name=provider))
    return browser.post(provider_name=provider, **fields)


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"password": WRONG}, 422, "wrong_password"),
        ({"user": "nobody"}, 422, "wrong_password"),
        ({"user": "empty"}, 422, "no_calendars"),
        ({"address": "http://127.0.0.1:1"}, 422, "unprotected"),
        ({"address": "HTTP://caldav.example.com"}, 422, "unprotected"),
        ({"address": "https://127.0.0.1:1"}, 422, "internal_address"),
        ({"address": "https://localhost/"}, 422, "internal_address"),
        ({"address": "no-such-host.invalid"}, 422, "no_host"),
        ({"address": "https://alice:pw@caldav.test"}, 422, "wrong_address"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_each_failure_has_its_own_words_for_everybody(
    center: Center,
    server: CalDavServer,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str],
    code: int,
    reason: str,
) -> None:
    log = capture_log(monkeypatch, connect_page, connecting, sign_in)
    before = dump(center)
    fields = {"address": "{server}", "user": "alice", "password": "pw1", **changes}
    fields = {name: value.format(server=server.url) for name, value in fields.items()}
    browser = attempt(center, **fields)
    assert browser.answer.status_code == code, browser.answer.text
    page = browser.page
    assert page.error == reason and "Nothing was connected." in page.text
    assert dump(center) == before, "nothing was changed"
    form = next(form for form in page.forms if form.values("password"))
    assert form.values("address") == [fields["address"]] and form.values("user") == [fields["user"]]
    assert form.values("password") == [""], "the password is typed again"
    [told] = [entry for entry in log.entries if entry["event"] == "connect.refused"]
    assert told["reason"] == reason and told["detail"] and told["application"] == center.client_id
    assert fields["password"] not in page.text and fields["password"] not in str(log.entries)
    tried = page.forms[-1].values("tried")
    assert tried == [reason]
    browser.post(action="cancel", tried=tried[0])
    description = browser.brought["error_description"]
    assert browser.brought["error"] == "access_denied"
    assert description == f"the person stopped; before that {connect_view.DESCRIPTIONS[reason]}"  # type: ignore[index]


@pytest.mark.parametrize("reason", sorted(connect_view.DESCRIPTIONS))
def test_no_two_failures_have_the_same_words(center: Center, reason: Any) -> None:
    """Of one provider; and what the application is told fits into RFC 6749's error_description."""
    others = [text for name, text in connect_view.DESCRIPTIONS.items() if name != reason]
    text = connect_view.DESCRIPTIONS[reason]
    assert text not in others and re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", text)


def test_a_server_that_does_not_answer(center: Center, server: CalDavServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(*_: Any) -> Any:
        await asyncio.sleep(30)

    monkeypatch.setattr(sign_in, "SIGN_IN_S", 0.05)
    monkeypatch.setattr("slotlink.connectors.caldav.discover", silent)
    browser = attempt(center, address=server.url, user="alice", password="pw1")
    assert (browser.answer.status_code, browser.page.error) == (503, "no_answer")


def test_a_few_sign_ins_at_a_time_at_one_host(
    center: Center, server: CalDavServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = server.url.removeprefix("http://")
    monkeypatch.setitem(sign_in._under_way, host, sign_in.AT_ONE_HOST)  # pyright: ignore[reportPrivateUsage]
    browser = attempt(center, address=server.url, user="alice", password="pw1")
    assert (browser.answer.status_code, browser.page.error) == (503, "too_busy")
    monkeypatch.setitem(sign_in._under_way, host, sign_in.AT_ONE_HOST - 1)  # pyright: ignore[reportPrivateUsage]
    assert attempt(center, address=server.url, user="alice", password=WRONG).page.error == "wrong_password"
    assert sign_in._under_way[host] == sign_in.AT_ONE_HOST - 1  # pyright: ignore[reportPrivateUsage]


def test_a_reconnect_that_fails_leaves_the_account_what_it_had(center: Center, server: CalDavServer) -> None:
    granted = tokens_for(center, Browser(center).connect(server))
    calendars = read(center, "/v1/calendars", granted)
    before = dump(center)
    assert attempt(center, address=server.url, user="alice", password=WRONG).page.error == "wrong_password"
    assert dump(center) == before
    assert read(center, "/v1/calendars", granted) == calendars


@pytest.mark.parametrize(
    ("fields", "missing"),
    [
        ({"address": "", "user": "a", "password": "p"}, ["address"]),
        ({"address": " ", "user": " ", "password": ""}, ["address", "user", "password"]),
        ({}, ["address", "user", "password"]),
        ({"address": "a.test", "user": "a\nb", "password": "p\x00"}, ["user", "password"]),
        ({"address": "a" * 2001, "user": "a" * 321, "password": "p" * 1025}, ["address", "user", "password"]),
    ],
    ids=["address", "spaces", "none", "control", "long"],
)
def test_fields_that_are_not_filled_in(center: Center, fields: dict[str, str], missing: list[str]) -> None:
    page = attempt(center, **fields).page
    assert page.code == 422
    assert re.findall(r'id="(\w+)-error"', page.text) == missing
    assert page.text.count('aria-invalid="true"') == len(missing)


def test_another_site_connects_nothing(center: Center, server: CalDavServer) -> None:
    browser = Browser(center).open(authorize_url(center, provider_name="caldav"))
    fields = {"provider_name": "caldav", "address": server.url, "user": "alice", "password": "pw1"}
    good = next(value for form in browser.page.forms for value in form.values("form_token"))
    other = Browser(center).open(authorize_url(center, provider_name="caldav", state="another"))
    foreign = next(value for form in other.page.forms for value in form.values("form_token"))
    before = dump(center)
    for given, headers in (
        ("", {}),
        (good + "x", {}),
        (foreign, {}),
        (good, {"Sec-Fetch-Site": "cross-site"}),
        (good, {"Sec-Fetch-Site": "same-site"}),
        (good, {"Origin": "https://evil.test"}),
        (good, {"Origin": "null"}),
    ):
        answer = center.http.post(browser.url, data={**fields, "form_token": given}, headers=headers)
        assert answer.status_code == 403 and "Nothing was connected" in answer.text, (given, headers)
    assert dump(center) == before
    ours = {"Origin": "https://app.test", "Sec-Fetch-Site": "same-origin"}
    assert center.http.post(browser.url, data={**fields, "form_token": good}, headers=ours).status_code == 303


def test_cancelling_tells_no_more_than_we_wrote(center: Center) -> None:
    browser = Browser(center).open(authorize_url(center))
    browser.post(action="cancel", tried="<script>")
    assert browser.brought == {
        "error": "access_denied",
        "error_description": "the person stopped",
        "state": "st te/+&=é",
    }


def test_an_unknown_provider_leads_to_the_choice(center: Center) -> None:
    browser = Browser(center).open(authorize_url(center))
    for name in ("google", "exchange", ""):  # this deployment is not registered with Google
        page = browser.post(provider_name=name).page
        assert page.code == 422 and "Where is your calendar?" in page.text


@pytest.mark.parametrize("body", [b"x" * 20_000, b"a=%ff", b"&".join([b"a=1"] * 1001)], ids=["large", "bytes", "many"])
def test_a_form_that_is_none(center: Center, body: bytes) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = center.http.post(authorize_url(center), content=body, headers=kind)
    assert answer.status_code == 400 and "text/html" in answer.headers["content-type"]


def test_a_query_that_is_none(center: Center) -> None:
    for url in ("/oauth/authorize", "/oauth/authorize?state=%ff", "/oauth/authorize?" + "a&" * 101, "/oauth/relink/x"):
        answer = center.http.get(url)
        assert answer.status_code in (400, 404) and "leads nowhere" in answer.text
    for query in ("", "?state=x&code=y", "?error=access_denied", "?state=%00"):
        answer = center.http.get("/oauth/callback" + query)
        assert answer.status_code == 400 and "This sign-in is over" in answer.text


def test_the_page_may_send_to_the_application_and_nowhere_else(center: Center) -> None:
    answer = center.http.get(authorize_url(center))
    assert answer.headers["content-security-policy"].endswith("form-action 'self' https://application.test")
    assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "same-origin"
    assert "<script" not in answer.text


def test_looking_changes_nothing(center: Center) -> None:
    before = dump(center)
    for method in ("GET", "HEAD"):
        for provider in (None, "caldav", "ics", "apple"):
            url = authorize_url(center, provider_name=provider) + "&address=x&user=x&password=x&action=cancel"
            assert center.http.request(method, url).status_code == 200
    assert dump(center) == before


def test_posts_of_one_client_are_limited(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_LIMIT_POSTS="2/m") as center:
        allow(center)
        browser = Browser(center).open(authorize_url(center))
        codes = [browser.open(authorize_url(center)).post(action="cancel").answer.status_code for _ in range(3)]
        assert codes == [303, 303, 429]
        assert browser.answer.headers["retry-after"]


def test_a_fault_of_ours_is_a_page_with_a_reference(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"password={WRONG}")

    monkeypatch.setattr(connect_page, "sign_in", broken)
    log = capture_log(monkeypatch, connect_page)
    answer = attempt(center, address="a.test", user="a", password="p").answer
    assert answer.status_code == 500
    reference = re.search(r"\(reference <bdi>(\w+)</bdi>\)", answer.text)
    assert reference and WRONG not in answer.text
    assert [entry["reference"] for entry in log.entries if entry["event"] == "page.broke"] == [reference[1]]
