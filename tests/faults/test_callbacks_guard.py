"""Where a callback's connection goes: looked up once, checked whole, dialled as checked, and then nowhere else."""

from __future__ import annotations

import socket
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.deliveries import Deliveries
from tests.hostile import LOCAL, SHAPES, Canary, NameServer, asked, says, talking
from tests.serving import Receiver

ONCE = {"SLOTLINK_CALLBACK_TIMEOUT": "2s", "SLOTLINK_CALLBACK_RETRIES": "1h"}
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
INTERNAL = "an internal address that SLOTLINK_CALLBACK_ALLOW does not list"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The loop that serves, which makes and dials sockets in its own way; `test_callbacks` runs on the other."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Generator[NameServer]:
    with NameServer() as names:
        monkeypatch.setattr(socket, "getaddrinfo", names)
        yield names


@pytest.fixture
def canary() -> Generator[Canary]:
    with Canary() as canary:
        yield canary


async def test_no_spelling_of_this_host_is_dialled(tmp_path: Path, canary: Canary) -> None:
    """Past the check at creation: whatever the outbox holds. What is allowed lies beside: a port, an address."""
    allowed = f"127.0.0.2:{canary.port},127.0.0.1:1"
    urls = [url.format(port=canary.port) for url in LOCAL + SHAPES]
    async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW=allowed) as deliveries:
        ends = await deliveries.outcomes(*(url for url in urls if "application.test" not in url), within=30)
    assert {code for code, _ in ends} == {None}
    assert not canary.contacted
    told = [outcome for _, outcome in ends if INTERNAL in outcome]
    assert len(told) >= 30, ends


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("inside.test", "inside.test:{port}"), ("inside.test", "127.0.0.0/8"), ("127.0.0.1", "127.0.0.1:{port}")],
)
async def test_what_the_operator_allows_is_reached(
    tmp_path: Path, receiver: Receiver, names: NameServer, host: str, allowed: str
) -> None:
    names.answers = {"inside.test": [["127.0.0.1"]]}
    port = receiver.host.partition(":")[2]
    async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW=allowed.format(port=port)) as deliveries:
        assert await deliveries.outcomes(f"http://{host}:{port}/") == [(200, "answered 200")]
    assert receiver.received.get_nowait().headers["host"] == f"{host}:{port}", "the name stays in the request"


async def test_one_internal_answer_among_others_is_enough_to_refuse(
    tmp_path: Path, canary: Canary, names: NameServer
) -> None:
    """127.0.0.2 and .3 stand for public addresses."""
    names.answers = {
        "first.test": [["127.0.0.1", "127.0.0.2"]],
        "last.test": [["127.0.0.2", "127.0.0.3", "127.0.0.2", "10.0.0.1"]],
        "six.test": [["127.0.0.2", "::1"]],
        "mapped.test": [["127.0.0.2", "::ffff:127.0.0.1"]],
        "metadata.test": [["127.0.0.2", "169.254.169.254"]],
        "alone.test": [["127.0.0.1"]],
    }
    urls = [f"http://{name}:{canary.port}/" for name in names.answers]
    async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW="127.0.0.2,127.0.0.3") as deliveries:
        ends = await deliveries.outcomes(*urls)
    for name, (code, outcome) in zip(names.answers, ends, strict=True):
        assert code is None and outcome.startswith(f"{name} has the address ") and INTERNAL in outcome, outcome
    assert not canary.contacted


async def test_a_name_is_looked_up_once_and_that_answer_is_dialled(tmp_path: Path, names: NameServer) -> None:
    """The second answer would be the canary's. 127.0.0.2 stands for a public address."""
    names.answers = {"rebinding.test": [["127.0.0.2"], ["127.0.0.1"]]}
    with talking(says(OK), "127.0.0.2") as host:
        port = int(host.partition(":")[2])
        with socket.create_server(("127.0.0.1", port)) as inside:
            async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW="127.0.0.2") as deliveries:
                assert await deliveries.outcomes(f"http://rebinding.test:{port}/") == [(200, "answered 200")]
            assert names.asked == {"rebinding.test": 1}
            inside.setblocking(False)
            with pytest.raises(BlockingIOError):
                inside.accept()


async def test_what_is_allowed_for_one_name_is_allowed_for_no_other(
    tmp_path: Path, receiver: Receiver, names: NameServer
) -> None:
    names.answers = {"inside.test": [["127.0.0.1"]], "outside.test": [["127.0.0.1"]]}
    port = receiver.host.partition(":")[2]
    variables = ONCE | {"SLOTLINK_CALLBACK_ALLOW": f"inside.test:{port}"}
    async with Deliveries.at(tmp_path, **variables) as deliveries:
        urls = [f"http://{name}:{port}/" for name in ("inside.test", "outside.test", "inside.test")]
        ends = [end for url in urls for end in await deliveries.outcomes(url)]
    assert [code for code, _ in ends] == [200, None, 200] and INTERNAL in ends[1][1]
    assert receiver.received.qsize() == 2


async def test_no_connection_serves_twice(tmp_path: Path, names: NameServer) -> None:
    """Neither another name at the same address nor the same name again, although the receiver would go on."""
    connections: list[list[bytes]] = []

    def keep_alive(connection: socket.socket) -> None:
        requests: list[bytes] = []
        connections.append(requests)
        while True:
            requests.append(asked(connection))
            connection.sendall(OK)

    names.answers = {"one.test": [["127.0.0.1"]], "two.test": [["127.0.0.1"]]}
    with talking(keep_alive) as host:
        port = host.partition(":")[2]
        async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW="127.0.0.1") as deliveries:
            urls = [f"http://{name}:{port}/" for name in ("one.test", "one.test", "two.test")]
            assert await deliveries.outcomes(*urls) == [(200, "answered 200")] * 3
    assert [len(requests) for requests in connections] == [1, 1, 1]


async def test_no_redirect_is_followed(tmp_path: Path, canary: Canary) -> None:
    """To the canary, back to itself, to metadata, and in ways that a lenient client might take up."""
    places = [f"http://127.0.0.1:{canary.port}/", "/again", "http://169.254.169.254/", f"//[::1]:{canary.port}/"]
    requests: list[str] = []

    def redirect(connection: socket.socket) -> None:
        path = asked(connection).split(b" ")[1].decode()
        requests.append(path)
        _, code, place = path.split("/")
        to = places[int(place)]
        head = f"HTTP/1.1 {code} Elsewhere\r\nLocation: {to}\r\nURI: {to}\r\nRefresh: 0; url={to}\r\n\r\n"
        connection.sendall(head.encode())

    paths = [f"/{code}/{place}" for code in (300, 301, 302, 303, 307, 308) for place in range(len(places))]
    with talking(redirect) as host:
        allowed = f"{host},127.0.0.1:{canary.port},[::1]:{canary.port}"
        async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW=allowed) as deliveries:
            ends = await deliveries.outcomes(*(f"http://{host}{path}" for path in paths))
    assert ends == [(int(path[1:4]), f"answered {path[1:4]}") for path in paths]
    assert sorted(requests) == paths and not canary.contacted


async def test_proxies_and_credentials_of_the_environment_are_not_ours(
    tmp_path: Path, receiver: Receiver, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login operator password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with Deliveries.at(tmp_path, **ONCE, SLOTLINK_CALLBACK_ALLOW="127.0.0.1") as deliveries:
        assert await deliveries.outcomes(receiver.url) == [(200, "answered 200")]
    assert not canary.contacted
    assert "authorization" not in receiver.received.get_nowait().headers


async def test_a_silent_name_server_delays_nobody_else(tmp_path: Path, receiver: Receiver, names: NameServer) -> None:
    """More names at once than a pool of threads has for so few cores."""
    names.answers = {"inside.test": [["127.0.0.1"]]}
    urls = [f"http://silent-{number}.test/" for number in range(12)]
    variables = {"SLOTLINK_CALLBACK_TIMEOUT": "1s", "SLOTLINK_CALLBACK_ALLOW": "127.0.0.1"}
    async with Deliveries.at(tmp_path, **ONCE | variables) as deliveries:
        ends = await deliveries.outcomes(*urls, f"http://inside.test:{receiver.host.partition(':')[2]}/")
    assert ends == [(None, "no answer in time")] * 12 + [(200, "answered 200")]


async def test_a_name_that_is_not_found_is_named(tmp_path: Path, names: NameServer) -> None:
    urls = ["http://nobody.test/", f"http://{'x' * 64}.test/", "http://a..test/", "http://./"]
    async with Deliveries.at(tmp_path, **ONCE) as deliveries:
        ends = await deliveries.outcomes(*urls)
    assert ends[0] == (None, "the name nobody.test was not found: Name or service not known")
    assert all(code is None and "found" in outcome for code, outcome in ends), ends
