"""What one client address, and one link, may ask in a while: unknown tokens and keys, and posted forms."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.setting_kinds import Rate
from slotlink.settings import Settings
from slotlink.web.clients import client_of, in_both_spellings, speaks_for_many
from slotlink.web.front import Front
from slotlink.web.rate_limit import RateLimit, Tally
from tests.api.asking import at, bearer, dump, wire
from tests.center import Center, Clock, ReadPage, finished

UNKNOWN = 5
POSTS = 6
PROXY = "203.0.113.7"


class Crowd(Center):
    """Clients of many addresses, behind a proxy that says whose each request is. TestClient's own peer is no address:
    the proxy is trusted by name."""

    def __init__(self, folder: Path, **variables: str) -> None:
        given = {
            "SLOTLINK_LIMIT_UNKNOWN": f"{UNKNOWN}/m",
            "SLOTLINK_LIMIT_POSTS": f"{POSTS}/m",
            "SLOTLINK_TRUSTED_PROXIES": f"{PROXY}/32",
            **variables,
        }
        super().__init__(folder, **given)

    def ask(self, method: str, path: str, address: str, peer: str = PROXY, **given: Any) -> Any:
        headers = {**given.pop("headers", {}), "X-Forwarded-For": address}
        self.http._transport.client = (peer, 1234)  # type: ignore[attr-defined]
        return self.http.request(method, path, headers=headers, **given)


@pytest.fixture
def crowd(tmp_path: Path) -> Generator[Crowd]:
    with Crowd(tmp_path) as crowd:
        yield crowd


GUESSES: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/rts/AAAAAAAAAAAAAAAAAAAAAA", {}, 404),
    ("HEAD", "/rts/AAAAAAAAAAAAAAAAAAAAAA", {}, 404),
    ("GET", "/rts/AAAAAAAAAAAAAAAAAAAAAA/event.ics", {}, 404),
    ("GET", "/rts/AAAAAAAAAAAAAAAAAAAAAA/live", {}, 404),
    ("GET", "/real_time_scheduling/%00", {}, 404),
    ("POST", "/add_to_calendar/scheduling/AAAAAAAAAAAAAAAAAAAAAA", {"data": {"slot": "x"}}, 404),
    ("GET", "/v1/real_time_scheduling/sch_1", {"headers": bearer("CRN_guess")}, 401),
    ("GET", "/v1/userinfo", {}, 401),
    (
        "POST",
        "/v1/application_calendars",
        {"json": {"client_id": "x", "client_secret": "y", "application_calendar_id": "z"}},
        401,
    ),
    (
        "POST",
        "/oauth/token",
        {"json": {"client_id": "x", "client_secret": "y", "grant_type": "refresh_token", "refresh_token": "z"}},
        400,
    ),
    ("POST", "/oauth/token/revoke", {"json": {"client_id": "x", "client_secret": "y", "token": "z"}}, 400),
]


@pytest.mark.parametrize(("method", "path", "given", "code"), GUESSES, ids=[f"{m} {p}" for m, p, *_ in GUESSES])
def test_whoever_guesses_too_often_is_asked_to_wait(
    crowd: Crowd, method: str, path: str, given: dict[str, Any], code: int
) -> None:
    answers = [crowd.ask(method, path, "198.51.100.1", **given) for _ in range(UNKNOWN + 3)]
    assert [answer.status_code for answer in answers] == [code] * UNKNOWN + [429] * 3
    refused = answers[-1]
    assert 0 < int(refused.headers["retry-after"]) <= 60
    if path.startswith(("/rts", "/real", "/add")) and not path.endswith("/live"):
        assert refused.headers["content-type"].startswith("text/html")
        assert method == "HEAD" or "<main" in refused.text
    else:
        assert refused.content == b""
    assert crowd.ask(method, path, "198.51.100.2", **given).status_code == code, "somebody else may still"
    crowd.clock.now += 60
    assert crowd.ask(method, path, "198.51.100.1", **given).status_code == code


def test_tokens_and_keys_are_counted_together(crowd: Crowd) -> None:
    codes = [crowd.ask(m, p, "198.51.100.1", **given).status_code for m, p, given, _ in GUESSES]
    assert codes == [code for *_, code in GUESSES][:UNKNOWN] + [429] * (len(GUESSES) - UNKNOWN)


def test_a_token_asked_for_with_a_good_key_is_counted_and_an_id_is_not(crowd: Crowd) -> None:
    """An id is no secret: it opens nothing without the key."""
    by_id = [crowd.ask("GET", "/v1/real_time_scheduling/sch_1", "198.51.100.1", headers=crowd.key) for _ in range(9)]
    assert {answer.status_code for answer in by_id} == {404}
    by_token = [
        crowd.ask("GET", "/v1/real_time_scheduling?token=guess", "198.51.100.1", headers=crowd.key) for _ in range(9)
    ]
    assert [answer.status_code for answer in by_token] == [404] * UNKNOWN + [429] * (9 - UNKNOWN)


def test_what_is_known_is_served_to_whoever_shares_the_address_of_a_guesser(crowd: Crowd) -> None:
    maya = crowd.person("maya")
    link = crowd.create_link(maya)
    for _ in range(UNKNOWN * 2):
        crowd.ask("GET", "/rts/guess", "198.51.100.1")
    assert crowd.ask("GET", "/rts/guess", "198.51.100.1").status_code == 429
    page = ReadPage(crowd.ask("GET", link.path, "198.51.100.1"))
    assert page.code == 200 and page.slots
    assert crowd.ask("GET", "/v1/calendars", "198.51.100.1", headers=maya.key).status_code == 200
    data = {**page.hidden, "slot": wire(0)}
    assert crowd.ask("POST", link.path, "198.51.100.1", data=data).status_code == 303


@pytest.mark.parametrize("rate", ["off", "1/h"])
def test_the_limit_can_be_switched_off_and_set(tmp_path: Path, rate: str) -> None:
    with Crowd(tmp_path, SLOTLINK_LIMIT_UNKNOWN=rate) as crowd:
        codes = {crowd.ask("GET", "/rts/guess", "198.51.100.1").status_code for _ in range(150)}
    assert codes == ({404} if rate == "off" else {404, 429})


# Posted forms


def test_forms_of_one_address_are_limited_whatever_link_they_are_of(crowd: Crowd) -> None:
    maya = crowd.person("maya")
    links = [crowd.create_link(maya, event={"event_id": f"e{n}", "summary": "S"}) for n in range(POSTS + 1)]
    pages = [link.page() for link in links]
    codes: list[int] = []
    for n, (link, page) in enumerate(zip(links, pages, strict=True)):
        data = {**page.hidden, "slot": wire(n)}
        codes.append(crowd.ask("POST", link.path, "198.51.100.1", data=data).status_code)
    assert codes == [303] * POSTS + [429]
    last = {**pages[-1].hidden, "slot": wire(POSTS)}
    refused = ReadPage(crowd.ask("POST", links[-1].path, "198.51.100.1", data=last))
    assert refused.code == 429 and int(refused.headers["retry-after"]) <= 60 and "wait a minute" in refused.text
    assert links[-1].status()["status"] == "open"
    assert crowd.ask("POST", links[-1].path, "198.51.100.2", data=last).status_code == 303


def test_forms_of_one_link_are_limited_wherever_they_come_from(crowd: Crowd) -> None:
    link = crowd.create_link(crowd.person("maya"))
    page = link.page()
    for n in range(POSTS):
        data = {**page.hidden, "slot": "never offered"}
        assert crowd.ask("POST", link.path, f"198.51.100.{n}", data=data).status_code == 422
    before = dump(crowd)
    good = {**page.hidden, "slot": wire(0)}
    assert crowd.ask("POST", link.path, "198.51.100.99", data=good).status_code == 429
    assert dump(crowd) == before
    assert link.page().slots, "it can be looked at"
    crowd.clock.now += 60
    assert crowd.ask("POST", link.path, "198.51.100.99", data=good).status_code == 303


def test_forms_that_are_not_ours_use_up_nobodys_link(crowd: Crowd) -> None:
    link = crowd.create_link(crowd.person("maya"))
    for n in range(POSTS * 2):
        assert crowd.ask("POST", link.path, f"198.51.100.{n}", data={"slot": wire(0)}).status_code == 403
    assert link.choose(wire(0)).code == 303


def test_the_loopback_speaks_for_everybody(crowd: Crowd) -> None:
    """The operator's own machine, or a proxy that nobody has told us of."""
    maya = crowd.person("maya")
    for n in range(POSTS * 2):
        link = crowd.create_link(maya)
        answer = crowd.ask("POST", link.path, "198.51.100.1", peer="127.0.0.1", data={"slot": wire(0)})
        assert answer.status_code == 403, n


# Whose address it is


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        (PROXY, "198.51.100.1", "198.51.100.1"),
        (PROXY, "192.0.2.99, 198.51.100.1", "198.51.100.1"),
        (PROXY, "192.0.2.99, 198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (PROXY, "198.51.100.1:4711", "198.51.100.1"),
        (PROXY, "[2001:db8::1]:4711", "2001:db8::/64"),
        (PROXY, "nobody", "unknown"),
        (f"::ffff:{PROXY}", "198.51.100.1", "198.51.100.1"),
        ("203.0.113.8", "198.51.100.1", "203.0.113.8"),
        ("testclient", "198.51.100.1", "unknown"),
    ],
)
def test_a_forwarded_address_counts_from_a_trusted_proxy_only(
    crowd: Crowd, peer: str, forwarded: str, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def note(_self: RateLimit, name: str) -> int:
        seen.append(name)
        return 0

    monkeypatch.setattr(RateLimit, "wait_for", note)
    crowd.ask("GET", "/rts/guess", forwarded, peer)
    assert seen == [client]


def test_several_forwarded_headers_are_one_list(crowd: Crowd) -> None:
    crowd.http._transport.client = (PROXY, 1)  # type: ignore[attr-defined]
    headers = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "198.51.100.2")]
    codes = [crowd.http.get("/rts/guess", headers=headers).status_code for _ in range(UNKNOWN + 1)]
    assert codes[-1] == 429
    assert crowd.ask("GET", "/rts/guess", "198.51.100.1").status_code == 404
    assert crowd.ask("GET", "/rts/guess", "198.51.100.2").status_code == 429


def test_one_client_is_an_address_or_a_64_of_ipv6() -> None:
    assert client_of("192.0.2.1") == client_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert client_of("192.0.2.1") != client_of("192.0.2.2")
    assert client_of("2001:db8:1:2:3::4") == client_of("2001:DB8:1:2:ffff::1%eth0") == "2001:db8:1:2::/64"
    assert client_of("2001:db8:1:3::4") != client_of("2001:db8:1:2::4")
    assert client_of("") == client_of("x" * 1000) == client_of("nobody")


def test_who_speaks_for_many() -> None:
    proxies = Settings(trusted_proxies="10.1.0.0/16,fd00::/8").trusted_proxies  # type: ignore[arg-type]
    for host in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "fd12::1"):
        assert speaks_for_many(host, proxies), host
    for host in ("10.2.0.1", "192.168.0.1", "2001:db8::1", "::", "localhost", ""):
        assert not speaks_for_many(host, proxies), host
    assert in_both_spellings(proxies) == ["10.1.0.0/16", "::ffff:10.1.0.0/112", "fd00::/8"]


# The counting itself


def test_a_tally_is_bounded_and_forgets_who_was_quiet_longest() -> None:
    clock = Clock()
    tally = Tally(clock, names=100)
    limit = RateLimit("SLOTLINK_LIMIT_UNKNOWN", [Rate(2, 60)], tally.count)

    async def run() -> None:
        for n in range(10_000):
            await limit.wait_for(f"stranger-{n}")
            assert (await limit.wait_for("regular") > 0) == (n > 1), "who keeps coming is kept in mind"
        assert len(tally._counts) == 100

    finished(run())


def test_a_window_ends_with_its_minute_and_a_clock_set_back_begins_anew() -> None:
    clock = Clock(at(0) + 59.5)
    limit = RateLimit("SLOTLINK_LIMIT_UNKNOWN", [Rate(1, 60), Rate(3, 3600)], Tally(clock).count)

    async def waits(*moves: float) -> list[int]:
        waited: list[int] = []
        for move in moves:
            clock.now += move
            waited.append(await limit.wait_for("x"))
        return waited

    assert finished(waits(0, 0, 1)) == [0, 1, 0]
    assert finished(waits(60, 60)) == [3600 - 121 + 1, 3600 - 181 + 1]
    assert finished(waits(-86_400)) == [0]


class Held:
    def cut_if_late(self) -> None:
        return


def test_connections_of_one_address_and_of_all_are_capped() -> None:
    front = Front(
        Settings(
            limit_connections=12,
            limit_connections_per_address=5,
            trusted_proxies="203.0.113.7",  # type: ignore[arg-type]
        )
    )
    held = [Held() for _ in range(5)]
    assert all(front.admits(one, "198.51.100.1") for one in held)
    refused = Held()
    assert not front.admits(refused, "198.51.100.1")
    front.leaves(refused, "198.51.100.1")
    assert not front.admits(Held(), "198.51.100.1"), "who was turned away gives up no place"
    front.leaves(held[0], "198.51.100.1")
    assert front.admits(Held(), "198.51.100.1")
    assert all(front.admits(Held(), host) for host in ["127.0.0.1"] * 3 + ["203.0.113.7"] * 4), "they speak for many"
    assert not front.admits(Held(), "198.51.100.2"), "12 in all"
    assert not front.admits(Held(), "127.0.0.1")


def test_a_process_may_open_as_many_files_as_it_admits_connections() -> None:
    code = (
        "import resource; from slotlink.settings import Settings; from slotlink.web.front import Front; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4096)); "
        "Front(Settings(limit_connections={})).take_files(); print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    for most, expected in ((1000, range(1001, 4097)), (50, range(256, 257)), (9000, range(4096, 4097))):
        done = subprocess.run([sys.executable, "-c", code.format(most)], capture_output=True, text=True, check=True)
        assert int(done.stdout) in expected, most
