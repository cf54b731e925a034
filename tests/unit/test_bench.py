"""The bench still measures everything. Nothing is said about how fast anything is."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Generator

import pytest
from bench.__main__ import GROUPS, measure
from bench.load import Load, OwnClient, best_load, request
from bench.measures import LEAST


def test_every_measurement_runs_once() -> None:
    shown: list[object] = []
    results = measure(LEAST, OwnClient(), list(GROUPS), shown.append)
    assert len(shown) == len(GROUPS)
    assert json.loads(json.dumps(results)) == results
    for group in GROUPS:
        for figure in results["figures"][group]:
            assert figure["measured"]["minimum"] > 0, figure
            assert figure["referred"]["minimum"] > 0, figure


class Half(http.server.BaseHTTPRequestHandler):
    """Answers 200 to /yes and 404 to anything else."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/yes" else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def port() -> Generator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Half) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def loads() -> list[Load]:
    """The load generators that there are here; ours always."""
    return list({load.name: load for load in (OwnClient(), best_load())}.values())


@pytest.mark.parametrize("load", loads(), ids=lambda load: load.name)
def test_a_load_counts_requests_and_errors(port: int, load: Load) -> None:
    fine = load.run(port, [request("/yes")], 0.2, 2)
    assert fine.requests > 0 and fine.errors == 0
    half = load.run(port, [request("/yes"), request("/no")], 0.2, 1)
    assert abs(half.errors - half.requests / 2) <= 1
