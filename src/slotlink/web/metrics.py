"""`/metrics` for Prometheus, when the operator asks for it (SLOTLINK_METRICS=on)."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotlink.store import outbox_listing
from slotlink.web.state import state_of

HOT = "status"  # what the fast path answers is counted under this name


class Metrics:
    """Counts requests around the whole application, and reads the outbox when asked."""

    def __init__(self, data_center: str) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "slotlink_http_requests", "Requests answered", ["handler", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "slotlink_http_request_seconds", "Time to answer", ["handler"], registry=self._registry
        )
        self._outbox = Gauge("slotlink_outbox_items", "Callbacks by state", ["state"], registry=self._registry)
        self._streams = Gauge("slotlink_open_streams", "Pages followed live", registry=self._registry)
        Info("slotlink", "This deployment", registry=self._registry).info({"data_center": data_center})

    def around(self, app: ASGIApp) -> ASGIApp:
        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                return await app(scope, receive, send)
            began = time.perf_counter()

            async def counting_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    endpoint = scope.get("endpoint")
                    handler = HOT if endpoint is None else getattr(endpoint, "__name__", "other")
                    self._requests.labels(handler, scope["method"], str(message["status"])).inc()
                    self._seconds.labels(handler).observe(time.perf_counter() - began)
                await send(message)

            return await app(scope, receive, counting_send)

        return counted

    async def show(self, request: Request) -> Response:
        async with state_of(request).deps.database.reading() as connection:
            counts = await outbox_listing.count_by_state(connection)
        for state in ("waiting", "dead"):
            self._outbox.labels(state).set(counts.get(state, 0))
        self._streams.set(state_of(request).streams.open)
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
