"""Who may show a page in an `<iframe>`: the origins that its application lists, and nobody else."""

from __future__ import annotations

import re
from typing import Any
from unittest.mock import patch

from slotlink.web import page as page_handlers
from tests.api.asking import at, other_application, wire
from tests.api.test_branding import put
from tests.center import Center, CreatedLink, ReadPage

ORIGINS = ["https://www.example.com", "http://localhost:3000"]
ANCESTORS = "'self' https://www.example.com http://localhost:3000"


def policy(answer: Any) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.split(maxsplit=1) for part in parts)


def pages(center: Center) -> dict[str, ReadPage]:
    """The page in every state, and what its form refuses."""
    maya = center.person("maya")
    links = {
        name: center.create_link(
            maya, selection_mode="confirm", redirect_urls={"completed_url": f"https://a.test/{name}"}
        )
        for name in ("open", "disabled", "completed", "expired", "none")
    }
    own = center.create_link(maya)
    disable = f"/v1/real_time_scheduling/{links['disabled'].link_id}/disable"
    center.http.post(disable, json={"display_message": "Filled"}, headers=center.key)
    shown = {"confirm": links["completed"].post(links["completed"].page(), slot=wire(0))}
    shown["redirect"] = links["completed"].post(shown["confirm"], slot=wire(0), confirmed="yes")
    shown |= {name: links[name].page() for name in ("open", "disabled", "completed")}
    shown["taken"] = own.post(own.page(), slot=wire(0))
    shown["403"] = ReadPage(center.http.post(own.path, data={"form_token": "x"}))
    maya.event("all day", at(0), at(8))
    shown["none"] = links["none"].page()
    center.clock.now = at(9)
    shown["expired"] = links["expired"].page()
    return shown


def test_listed_origins_may_embed_every_page_of_the_application(center: Center) -> None:
    put(center, embed_origins=ORIGINS)
    found = pages(center)
    assert {page.code for page in found.values()} == {200, 303, 403, 409}
    for name, page in found.items():
        assert policy(page)["frame-ancestors"] == ANCESTORS, name
        assert policy(page)["script-src"] == "'self'", name
        assert policy(page)["default-src"] == "'none'" and "unsafe" not in page.headers["content-security-policy"]
        assert "x-frame-options" not in page.headers, name
        for header in ("x-content-type-options", "referrer-policy", "x-robots-tag"):
            assert header in page.headers or name == "redirect", (name, header)
        assert "set-cookie" not in page.headers, "in a frame there would be none"


def test_nobody_may_embed_the_pages_of_an_application_that_lists_none(center: Center) -> None:
    put(center, name="Globex", accent="#2b4cff", privacy_url="https://a.test/")
    for name, page in pages(center).items():
        assert policy(page)["frame-ancestors"] == "'none'", name
        assert page.headers["x-frame-options"] == "DENY", name
        assert "framed.js" not in page.text, name


def test_what_is_no_page_of_the_application_is_embedded_nowhere(center: Center) -> None:
    put(center, embed_origins=ORIGINS)
    (_, foreign), theirs = other_application(center)
    request = center.link_request(theirs)
    link = center.http.post("/v1/real_time_scheduling", json=request, headers={"Authorization": f"Bearer {foreign}"})
    path = "/rts/" + link.json()["url"].rpartition("/")[2]
    for other in (path, "/rts/" + "x" * 22, "/docs", "/oauth/authorize", "/healthz", "/static/embed.js"):
        answer = center.http.get(other)
        assert answer.headers["x-frame-options"] == "DENY", other
        assert policy(answer)["frame-ancestors"] == "'none'", other


def test_the_script_is_told_who_may_embed_and_nothing_of_the_link(center: Center) -> None:
    put(center, embed_origins=ORIGINS)
    link = center.create_link(center.person("maya"))
    script = next(each for each in re.findall(r"<script[^>]*>", link.page().text) if "framed" in each)
    assert re.fullmatch(
        r'<script src="/static/framed\.js\?v=[0-9a-f]{12}" data-origins="https://www\.example\.com '
        r'http://localhost:3000" defer>',
        script,
    )
    alone = ReadPage(center.http.get(link.path, headers={"Sec-Fetch-Dest": "document"}))
    assert "framed.js" not in alone.text, "by itself it has nobody to tell"
    assert policy(alone)["frame-ancestors"] == ANCESTORS and "x-frame-options" not in alone.headers
    served = center.http.get("/static/framed.js")
    assert served.status_code == 200 and "javascript" in served.headers["content-type"]


def test_what_stops_a_form_is_told_in_the_frame_too(center: Center) -> None:
    """Too many tries: the browser would show an empty frame otherwise."""
    put(center, embed_origins=ORIGINS)
    link = center.create_link(center.person("maya"))
    shown = link.page()

    async def wait_for(_limit: Any, who: str) -> int:
        return 7 if who == link.link_id else 0

    with patch("slotlink.web.rate_limit.RateLimit.wait_for", wait_for):
        answer = link.post(shown, slot=wire(0))
    assert answer.code == 429 and policy(answer)["frame-ancestors"] == ANCESTORS


def test_a_form_posted_inside_the_frame_is_ours(center: Center) -> None:
    """Chromium: the frame's own document asks, so the site is the same; the embedding page's is not looked at."""
    put(center, embed_origins=ORIGINS)
    link = center.create_link(center.person("maya"))
    inside = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe", "Origin": "https://app.test"}
    data = {**link.page().hidden, "slot": wire(0)}
    outside = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe", "Origin": "https://www.example.com"}
    refused = center.http.post(link.path, data=data, headers=outside)
    assert refused.status_code == 403 and policy(refused)["frame-ancestors"] == ANCESTORS
    assert center.http.post(link.path, data=data, headers=inside).status_code == 303
    assert link.status()["status"] == "completed"


def test_a_fault_of_ours_is_embedded_nowhere(center: Center) -> None:
    put(center, embed_origins=ORIGINS)
    link: CreatedLink = center.create_link(center.person("maya"))
    with patch.object(page_handlers, "open_visit", side_effect=RuntimeError("boom")):
        answer = center.http.get(link.path)
    assert answer.status_code == 500 and answer.headers["x-frame-options"] == "DENY"
