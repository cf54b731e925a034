"""Requests made wrong at random, over sockets: never a fault of ours, and the server is as it was afterwards.

`make hostile` sends thousands; a seed that failed is tried again with SLOTLINK_MALFORMED_SEED.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_bad_input import endpoints
from tests.center import Center
from tests.faults.live import LiveCenter
from tests.faults.mutants import Request, mutant
from tests.faults.raw import Raw
from tests.serving import LiveServer, serving

CASES = int(os.environ.get("SLOTLINK_MALFORMED", "300"))
SEED = int(os.environ.get("SLOTLINK_MALFORMED_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
# What is left half of a request is answered after a second, and cannot be mistaken for what took long.
SETTINGS = {
    "SLOTLINK_LIMIT_UNKNOWN": "off",
    "SLOTLINK_LIMIT_POSTS": "off",
    "SLOTLINK_HEADER_TIMEOUT": "1s",
    "SLOTLINK_BODY_TIMEOUT": "1s",
    "SLOTLINK_IDLE_TIMEOUT": "1s",
}
GROWTH_KB = 50 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[LiveServer]:
    folder = tmp_path_factory.mktemp("malformed")
    with serving(folder, **SETTINGS) as server:
        yield server
    log = (folder / "server.log").read_text()
    assert "broke" not in log and "Traceback" not in log and '"level": "error"' not in log


def good_requests(center: Center) -> list[Request]:
    """Each call and page once, as it should be."""
    maya = center.person("maya")
    link = center.create_link(maya)
    form = {**link.page().hidden, "slot": "2027-03-05T09:00:00Z"}
    post_form = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    account, key = tuple(maya.key.items()), tuple(center.key.items())
    found = [
        Request(one.method, one.url, (*one.headers.items(), ("Content-Type", "application/json")), body_of(one.body))
        for one in endpoints(center)
        if "revoke" not in one.url  # or else the other requests would soon be nobody's
    ]
    found += [
        Request("GET", f"/v1/real_time_scheduling/{link.link_id}", (*key, ("If-None-Match", '"x"'))),
        Request("GET", f"/v1/real_time_scheduling?token={link.token}", key),
        Request("GET", f"{link.path}?tzid=Europe/London&locale=en-GB&hours=12&date=2027-03-05&month=2027-03", ()),
        Request("POST", link.path, (("Content-Type", "application/x-www-form-urlencoded"),), post_form),
        Request("GET", f"{link.path}/event.ics", ()),
        *(Request("GET", path, ()) for path in ("/docs", "/openapi.json", "/healthz", "/readyz", "/static/page.css")),
        Request("GET", "/v1/events?tzid=Etc/UTC&from=2027-03-01&to=2027-04-01&localized_times=true", account),
        Request("GET", "/v1/free_busy?tzid=Etc/UTC&from=2027-03-01&to=2027-04-01", account),
        *(Request("GET", f"/v1/{name}", account) for name in ("userinfo", "profiles", "available_periods")),
    ]
    return found


def body_of(body: Any) -> bytes:
    return json.dumps(body).encode()


def test_thousands_of_malformed_requests_are_no_fault_of_ours(server: LiveServer, record_property: Any) -> None:
    with LiveCenter.at(server, server._environ) as center:
        good = good_requests(center)
    for request in good:
        assert said_to(server, request.raw())[0] < 500
    before = memory_kb(server)
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda number: said_to(server, case(good, number)), range(CASES)))
    codes = Counter(code for code, _ in said)
    slowest = max(range(CASES), key=lambda number: said[number][1] if said[number][0] != 408 else 0)
    faults = [number for number, (code, _) in enumerate(said) if code >= 500]
    assert not faults, f"seed {SEED}: {[(number, case(good, number)[:300]) for number in faults[:3]]}"
    assert said_to(server, good[0].raw())[0] < 500, "it goes on"
    grown = memory_kb(server) - before
    code, took = said[slowest]
    report = (
        f"seed {SEED}, {CASES} requests: {dict(codes)}, {grown} KB more; slowest {took * 1000:.0f} ms, for a {code}"
    )
    record_property("malformed", report)
    print(f"{report}: {case(good, slowest)!r}")
    assert grown < GROWTH_KB, report
    assert codes[400] + codes[422] > CASES / 4 > codes[0] + codes[408], (
        f"too few are wrong in an interesting way: {report}"
    )


def case(good: list[Request], number: int) -> bytes:
    chance = random.Random(SEED * 1_000_003 + number)
    return mutant(chance.choice(good), chance)


def said_to(server: LiveServer, raw: bytes) -> tuple[int, float]:
    """The code of the first answer, 0 when there is none, and how long it was in coming."""
    began = time.monotonic()
    with Raw(server.url) as connection:
        with contextlib.suppress(OSError):  # refused before it was sent whole: the answer is there all the same
            connection.send(raw)
        codes = connection.answers_until_closed()
        assert connection.heard_at is not None
        return (codes[0] if codes else 0), connection.heard_at - began


def memory_kb(server: LiveServer) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])
