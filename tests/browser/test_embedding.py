"""A visitor books inside an `<iframe>` of another site: the example of docs/embed.md, on an address of its own."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from slotlink.web.routes import STATIC
from tests.api.test_branding import data_url
from tests.browser.conftest import ServedCenter
from tests.center import CreatedLink
from tests.unit.domain.test_logo import png, svg

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
DOCUMENTED = "https://schedule.example.com"
# Keeps everything that the page is told, whoever tells it.
HEARD = """
  window.heard = [];
  addEventListener("message", ({ origin, data }) => heard.push([origin, data]));
  addEventListener("slotlink:status", (event) => heard.push(["event", event.detail.status, event.target.tagName]));
"""


class Site:
    """A web site. The same server is another site under another name."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[str, str]] = {}
        self.policy = ""
        pages = self.pages

        def policy() -> str:
            return self.policy

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, text = pages.get(self.path.partition("?")[0], ("text/plain", ""))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", policy())
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                return None

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.listed = f"http://localhost:{self._server.server_port}"
        self.unlisted = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(20)


@pytest.fixture
def site() -> Generator[Site]:
    site = Site()
    yield site
    site.close()


def embedded(center: ServedCenter, site: Site, **changes: Any) -> CreatedLink:
    """A link that the site embeds as the example does, under a policy that lets in nothing else."""
    branding = {
        "accent": "#2b4cff",
        "logo": data_url(png()),
        "dark_logo": data_url(svg(), "svg+xml"),
        "embed_origins": ["https://www.example.com", site.listed],
    }
    assert center.http.put("/v1/slotlink/branding", json=branding, headers=center.key).status_code == 200
    redirect = {"oauth": {"redirect_uri": f"{site.listed}/booked"}}
    link = center.create_link(center.person("maya"), selection_mode="confirm", **redirect, **changes)
    app = center.settings.app_url
    example = (EXAMPLES / "embed.html").read_text().replace(f"{DOCUMENTED}/rts/TOKEN", link.url)
    site.pages["/"] = ("text/html", example.replace(DOCUMENTED, app))
    site.pages["/embed-page.js"] = ("text/javascript", (EXAMPLES / "embed-page.js").read_text())
    site.pages["/booked"] = ("text/html", "<h1>Thank you</h1>")
    site.policy = f"default-src 'none'; script-src 'self' {app}; frame-src {app} {site.listed}"
    return link


def visiting(browser: Browser, width: int = 1280, **options: Any) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 800}, locale="en-GB", **options)
    context.add_init_script(HEARD)
    return context.new_page()


def heard(page: Page, kind: str) -> list[Any]:
    return page.evaluate(f"heard.filter(([_, data]) => data.type === {kind!r}).map(([_, data]) => data)")


@pytest.mark.parametrize("width", [320, 1280])
def test_a_visitor_books_inside_a_frame(served: ServedCenter, site: Site, browser: Browser, width: int) -> None:
    link = embedded(served, site)
    page = visiting(browser, width)
    page.goto(f"{site.listed}/")
    frame = page.frame_locator("iframe[title='Choose a time']")
    slot = frame.locator("section.times button[name=slot]").first
    expect(slot).to_be_visible()
    page.wait_for_function("() => heard.some(([_, data]) => data.type === 'slotlink:status')")
    assert heard(page, "slotlink:status") == [{"type": "slotlink:status", "status": "open"}]
    assert page.evaluate("heard.filter(([from]) => from === 'event')") == [["event", "open", "IFRAME"]]

    def fits() -> None:
        """The frame is as tall as its page: nothing is cut off, no bar scrolls, nothing empty is below."""
        page.wait_for_function(
            "heard.findLast(([_, data]) => data.type === 'slotlink:height')[1].height"
            " === document.querySelector('iframe').clientHeight"
        )
        inner = frame.locator("html").evaluate(
            "html => [html.scrollHeight, innerHeight, html.scrollWidth - html.clientWidth,"
            " Math.ceil(document.body.getBoundingClientRect().height)]"
        )
        assert inner[0] == inner[1] == inner[3] and inner[2] == 0, inner

    fits()
    tall = heard(page, "slotlink:height")[-1]["height"]
    slot.click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Check and confirm")
    page.wait_for_function(f"() => heard.findLast(([_, data]) => data.type === 'slotlink:height')[1].height < {tall}")
    fits()
    frame.get_by_role("button", name="Confirm this time").click()
    expect(frame.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert link.status()["status"] == "completed"

    page.goto(f"{site.listed}/")
    expect(frame.get_by_role("heading", level=1)).to_have_text("You’re booked")
    expect(page.locator("#status")).to_have_text("Thank you.")
    assert heard(page, "slotlink:status") == [{"type": "slotlink:status", "status": "completed"}]
    said = page.evaluate("JSON.stringify(heard)")
    assert link.token not in said and link.link_id not in said
    assert page.evaluate("[...new Set(heard.map(([from]) => from))]") == [served.settings.app_url, "event"]
    assert not page.context.cookies()
    page.context.close()


def test_a_site_that_is_not_listed_sees_nothing(served: ServedCenter, site: Site, browser: Browser) -> None:
    embedded(served, site)
    page = visiting(browser)
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"{site.unlisted}/")
    expect(page.locator("iframe")).to_have_count(1)
    frame = page.frame_locator("iframe")
    expect(frame.locator("body")).not_to_contain_text("Interview")
    expect(frame.locator("main")).to_have_count(0)
    assert page.evaluate("heard") == []
    page.context.close()


def test_without_ancestor_origins_listed_sites_are_told_all_the_same(
    served: ServedCenter, site: Site, browser: Browser
) -> None:
    """As in Firefox: the page does not know its parent, so each listed origin is told in turn, and nobody else."""
    embedded(served, site)
    page = visiting(browser)
    script = (STATIC / "framed.js").read_text()
    without = script.replace("location.ancestorOrigins", "undefined")
    assert without != script, "what browsers do not let a page take away"
    page.route("**/framed.js?*", lambda route: route.fulfill(body=without, content_type="text/javascript"))
    page.goto(f"{site.listed}/")
    page.wait_for_function("() => heard.some(([_, data]) => data.type === 'slotlink:status')")
    page.context.close()


def test_what_others_say_changes_nothing(served: ServedCenter, site: Site, browser: Browser) -> None:
    """Neither the page itself nor another frame can speak for the link's."""
    embedded(served, site)
    page = visiting(browser)
    page.goto(f"{site.listed}/")
    page.wait_for_function("() => heard.some(([_, data]) => data.type === 'slotlink:status')")
    page.evaluate(
        "() => new Promise((done) => { addEventListener('message', () => setTimeout(done, 0), { once: true });"
        " postMessage({ type: 'slotlink:height', height: 99999 }, '*'); })"
    )
    assert page.evaluate("document.querySelector('iframe').style.blockSize") != "99999px"
    page.context.close()


def test_without_script_the_link_is_a_link(served: ServedCenter, site: Site, browser: Browser) -> None:
    link = embedded(served, site)
    page = visiting(browser, java_script_enabled=False)
    page.goto(f"{site.listed}/")
    page.get_by_role("link", name="Choose a time").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Interview")
    assert page.url == link.url
    page.context.close()


def test_a_page_by_itself_says_nothing_and_keeps_its_height(served: ServedCenter, site: Site, browser: Browser) -> None:
    link = embedded(served, site)
    page = visiting(browser)
    requests: list[Any] = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.goto(f"{link.url}?tzid=Europe/London")
    expect(page.get_by_role("heading", level=1)).to_have_text("Interview")
    assert page.evaluate("[heard.length, document.documentElement.className]") == [0, "scripted"]
    assert page.evaluate("document.body.clientHeight >= innerHeight")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(
        "[...document.images].map((image) => [image.naturalWidth > 0, image.width, image.height])"
    ) == [[True, 42, 28]]
    assert len(requests) <= 4, [request.url for request in requests]
    assert sum(len(gzip.compress(request.response().body())) for request in requests) <= 30 * 1024
    accent = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--h')")
    assert accent == "267.0", "the nonce lets the brand's numbers in"
    page.context.close()
