"""The ground that every double stands on: calls are noted, faults strike as planned, and nothing else does."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest
import requests
from starlette.responses import JSONResponse, Response

from tests.doubles.service import Asked, Clock, Service


class Counting(Service):
    """Counts what was done to it."""

    done = 0

    def routes(self):
        return [self.route("/count/{name}", self._count, "GET", "POST")]

    def _count(self, asked: Asked) -> Response:
        self.done += 1
        return JSONResponse({"done": self.done, "name": asked.names["name"], "all": asked.all("a")})


@pytest.fixture(scope="module")
def running() -> Generator[Counting]:
    with Counting() as service:
        yield service


@pytest.fixture
def service(running: Counting) -> Counting:
    running.faults.clear()
    running.calls.clear()
    running.done = 0
    return running


def test_a_call_is_noted_with_all_it_brought(service: Counting) -> None:
    answer = requests.post(f"{service.url}/count/x?a=1&a=2", json={"b": 3}, headers={"X-One": "1"})
    assert answer.json() == {"done": 1, "name": "x", "all": ["1", "2"]}
    [call] = service.called("POST", "/count/")
    assert (call.json, call.headers["x-one"], call.query, call.status) == ({"b": 3}, "1", {"a": "2"}, 200)
    assert service.called("GET") == []


def test_a_fault_strikes_the_calls_it_names_and_no_others(service: Counting) -> None:
    service.faults.answer(429, {"e": 1}, {"Retry-After": "7"}, method="POST", path="/x$", times=2, skip=1)
    codes = [requests.post(f"{service.url}/count/x").status_code for _ in range(4)]
    assert codes == [200, 429, 429, 200]
    assert service.done == 2  # a refusal has no effect
    service.faults.answer(500, method="POST", path="/x$")
    assert requests.get(f"{service.url}/count/x").status_code == 200
    assert requests.post(f"{service.url}/count/y").status_code == 200
    failed = requests.post(f"{service.url}/count/x")
    assert (failed.status_code, failed.content) == (500, b"")


def test_a_refusal_brings_its_body_and_headers(service: Counting) -> None:
    service.faults.answer(503, {"e": 1}, {"Retry-After": "7"}, done=True)
    answer = requests.get(f"{service.url}/count/x")
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (503, {"e": 1}, "7")
    assert service.done == 1


def test_hanging_up_before_has_no_effect_and_after_has(service: Counting) -> None:
    service.faults.close_before()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{service.url}/count/x")
    assert service.done == 0
    service.faults.close_after()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{service.url}/count/x")
    assert service.done == 1
    assert [call.status for call in service.calls] == [None, None]


def test_a_cut_answer_is_seen_as_cut(service: Counting) -> None:
    service.faults.cut()
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(f"{service.url}/count/x")
    assert service.done == 1


def test_a_held_call_ends_when_let_go_and_delays_nobody_else(service: Counting) -> None:
    held = service.faults.hold(path="/x")
    answers: list[int] = []
    caller = threading.Thread(target=lambda: answers.append(requests.get(f"{service.url}/count/x").status_code))
    caller.start()
    assert requests.get(f"{service.url}/count/y").json()["done"] == 1
    assert answers == []
    held.set()
    caller.join(20)
    assert answers == [200]


def test_a_slow_answer_outlasts_a_short_patience(service: Counting) -> None:
    service.faults.slow(0.5)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{service.url}/count/x", timeout=0.1)


def test_the_clock_moves_as_told() -> None:
    clock = Clock(10)
    clock.advance(5)
    assert clock.now == clock() == 15
