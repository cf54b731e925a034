"""What a visitor waits for: the first view of a link's page in a real Chromium on a slowed processor, its bytes and
requests, and the server's CPU for all of them.

The reference in the browser is a page of one button, in the same browser, just as slowed; at the server, the raw ASGI
constant for as many requests. Nothing is timed before the page shows as many times as its HTML offers.
"""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from bench.chromium import find_chromium, running
from bench.figures import Figure, Samples, interleaved
from bench.load import Load, answer_to, cpu_per_request, request
from bench.measures import Effort
from bench.processes import Server
from bench.town import Town

NO_CHROMIUM = "Chromium is not installed: apt-get install chromium"
SLOWED = 4  # times, as Lighthouse slows a desktop's processor to be a telephone's
WIDTHS = {"phone": (390, 844), "desktop": (1280, 800)}
ZONE = "Europe/London"  # the device's and the event's: a page in another zone is asked for twice
SETTLED_MS = 300  # without a change of layout, after which there is none any more
BYTES, REQUESTS, PAINTED_MS, SHIFT = 30 * 1024, 4, 1000, 0.01  # design: at most
LEAST_SHIFT = 1e-6  # a ratio needs more than nothing
CONNECTIONS = 4
PLAIN_PAGE = (
    b'<!doctype html><html lang="en"><title>One button</title><meta name="viewport" content="width=device-width">'
    b'<button name="slot" value="1">09:00</button></html>'
)
# When the first time (or the plain page's button) was on the screen: the frame after the one that found it.
WATCH = """
(() => {
  const seen = (window.seen = { slot: 0, painted: 0, shift: 0 });
  const look = () => {
    if (document.querySelector('button[name="slot"]'))
      requestAnimationFrame(() => requestAnimationFrame(() => (seen.slot = performance.now())));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  new PerformanceObserver((list) => list.getEntries().forEach((each) => (seen.painted = each.startTime)))
    .observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => list.getEntries().forEach((each) => (seen.shift += each.value)))
    .observe({ type: "layout-shift", buffered: true });
})();
"""


@dataclass(frozen=True)
class View:
    """One first view: `slot_ms` until the first time was on the screen, `painted_ms` until the largest thing was."""

    slot_ms: float
    painted_ms: float
    shift: float
    bytes: float
    addresses: tuple[str, ...]
    times: int


def page_figures(town: Town, slotlink: Server, constant: Server, load: Load, effort: Effort) -> list[Figure]:
    """Empty where there is no Chromium."""
    path = f"/rts/{town.page_token}"
    figures: list[Figure] = []
    addresses: tuple[str, ...] = ()
    found = find_chromium()
    if found is None:
        return []
    with running(found) as browser, _plain_page() as plain:
        for device in effort.devices:
            size = WIDTHS[device]
            views: list[View] = []

            def ours(views: list[View] = views, size: tuple[int, int] = size) -> float:
                views.append(first_view(browser, slotlink.url + path, size))
                return views[-1].slot_ms

            first = first_view(browser, slotlink.url + path, size)
            assert first.times == _offered(slotlink, path) > 0, first
            addresses = first.addresses
            samples = interleaved(
                effort.rounds, {"ours": ours, "plain": lambda size=size: first_view(browser, plain, size).slot_ms}
            )
            figures += _of_views(device, views, samples["ours"], samples["plain"])
    return [*figures, _at_the_server(addresses, slotlink, constant, load, effort)]


def first_view(browser: Any, address: str, size: tuple[int, int]) -> View:
    """Open `address` in a browser that has seen nothing yet, on a processor slowed `SLOWED` times."""
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, timezone_id=ZONE, locale="en-GB")
    try:
        page = context.new_page()
        page.add_init_script(WATCH)
        asked: list[str] = []
        sizes: list[float] = []
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(address, wait_until="load")
        page.wait_for_function("window.seen.slot > 0")
        page.wait_for_timeout(SETTLED_MS)
        seen = page.evaluate("window.seen")
        times = page.locator('button[name="slot"]').count()
    finally:
        context.close()
    origin = "/".join(address.split("/")[:3])
    assert all(each.startswith(origin) for each in asked), asked
    own = [each.removeprefix(origin) for each in asked if not each.partition("?")[0].endswith("/live")]
    return View(seen["slot"], seen["painted"], seen["shift"], sum(sizes), tuple(own), times)


def _of_views(device: str, views: list[View], ours: Samples, plain: Samples) -> list[Figure]:
    def figure(what: str, unit: str, measured: Samples, limit: float) -> Figure:
        return Figure(f"{device}: {what}", unit, "at most, by design", measured, [limit] * len(measured), limit=limit)

    slowed = f"processor slowed {SLOWED} times"
    return [
        Figure(f"{device}: first time on the screen, {slowed}", "ms", "a page of one button", ours, plain),
        figure(f"largest thing painted, {slowed}", "ms", [each.painted_ms for each in views], PAINTED_MS),
        figure("layout shift", "of the view", [each.shift + LEAST_SHIFT for each in views], SHIFT),
        figure("first view", "bytes", [each.bytes for each in views], BYTES),
        figure("first view", "requests", [float(len(each.addresses)) for each in views], REQUESTS),
    ]


def _at_the_server(
    addresses: tuple[str, ...], slotlink: Server, constant: Server, load: Load, effort: Effort
) -> Figure:
    count = len(addresses)
    asked = [request(address).replace(b"\r\n", b"\r\nAccept-Encoding: gzip\r\n", 1) for address in addresses]

    def of(server: Server) -> Callable[[], float]:
        return lambda: (
            count
            * cpu_per_request(
                load, server, asked, seconds=effort.seconds, warm_up=effort.warm_up, connections=CONNECTIONS
            )
        )

    samples = interleaved(effort.rounds, {"ours": of(slotlink), "constant": of(constant)})
    name, reference = f"first view, all {count} requests", f"raw ASGI constant, {count} times"
    return Figure(name, "server CPU µs", reference, samples["ours"], samples["constant"])


def _offered(server: Server, path: str) -> int:
    return len(re.findall(rb'<button[^>]* name="slot"', answer_to(server.port, request(path)).body))


@contextlib.contextmanager
def _plain_page() -> Generator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(PLAIN_PAGE)))
            self.end_headers()
            self.wfile.write(PLAIN_PAGE)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
