"""How the Graph connector has changes told: subscriptions, and the address that Microsoft tries first."""

from __future__ import annotations

import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from slotlink.connectors.base import Watch
from slotlink.connectors.graph import WATCH_MINUTES, GraphConnector
from slotlink.errors import CalendarGone, NotAccepted
from tests.contract.connector_events import HOUR, START, event
from tests.contract.graph_contract import Ann, GraphFixtures
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_world import ANN


class Receiver(BaseHTTPRequestHandler):
    """Where Slotlink hears of changes, as Microsoft wants it to answer."""

    def do_POST(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        said = query.get("validationToken", [""])[0].encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


class TestWatches(GraphFixtures):
    URL = "https://slotlink.test/notifications?watch=1"

    @pytest.fixture
    def receiver(self, graph: GraphDouble) -> Generator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        graph.push.routes["https://slotlink.test"] = f"http://127.0.0.1:{server.server_port}"
        yield
        server.shutdown()
        thread.join()
        server.server_close()

    @pytest.mark.usefixtures("receiver")
    async def test_a_watch(self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann) -> None:
        watch = await connector.watch(calendar, "w1", self.URL, "s3cret")
        assert watch is not None and watch.watch_id == "w1"
        assert watch.expires_at == graph.clock.now + WATCH_MINUTES * 60
        await person.plant(event("one"))
        graph.person(ANN).creates(START, START + HOUR)  # in another calendar
        [notice] = graph.push.notices
        assert (notice.url, notice.value["clientState"], notice.value["subscriptionId"]) == (
            self.URL,
            "s3cret",
            watch.remote_id,
        )
        assert notice.value["resourceData"]["id"] == person.the("one").id(True)
        graph.push.lifecycle(watch.remote_id, "missed")
        assert graph.push.notices[-1].value["lifecycleEvent"] == "missed"
        for _ in range(2):
            await connector.unwatch(calendar, watch)
        assert graph.push.subscriptions == {}

    async def test_an_address_that_does_not_answer(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        graph.push.routes["https://slotlink.test"] = "http://127.0.0.1:1"
        for url in (self.URL, "http://slotlink.test/plain"):
            with pytest.raises(NotAccepted):
                await connector.watch(calendar, "w1", url, "s3cret")

    async def test_calendars_that_microsoft_does_not_watch(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, missing: str
    ) -> None:
        graph.fail("ErrorAccessDenied", method="POST", path="subscriptions", times=2)
        assert await connector.watch(calendar, "w1", self.URL, "s3cret") is None
        with pytest.raises(CalendarGone):
            await connector.watch(missing, "w1", self.URL, "s3cret")

    async def test_a_watch_that_was_never_there(self, connector: GraphConnector, calendar: str) -> None:
        await connector.unwatch(calendar, Watch("w1", "e5d1?x", START))
