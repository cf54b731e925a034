"""A page that bears a brand, as a browser draws it: readable in both schemes, whatever the colour."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.api.test_branding import data_url
from tests.browser.conftest import ServedCenter
from tests.unit.domain.test_logo import png, svg

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("accent", ["#ffd400", "#0000ff"])
def test_a_branded_page_is_readable(
    served: ServedCenter, browser: Browser, accent: str, scheme: Literal["light", "dark"]
) -> None:
    branding: dict[str, Any] = {
        "name": "Sunnyside",
        "accent": accent,
        "logo": data_url(png()),
        "dark_logo": data_url(svg(), "svg+xml"),
        "privacy_url": "https://www.example.com/privacy",
        "support_url": "mailto:help@example.com",
    }
    assert served.http.put("/v1/slotlink/branding", json=branding, headers=served.key).status_code == 200
    link = served.create_link(served.person("maya"), selection_mode="confirm")
    context = browser.new_context(viewport={"width": 390, "height": 800}, color_scheme=scheme, locale="en-GB")
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(link.url)
    logo = page.locator("header img")
    expect(logo).to_have_js_property("complete", True)
    assert logo.evaluate("image => image.currentSrc").endswith({"light": ".png", "dark": ".svg"}[scheme])
    assert logo.evaluate("image => [image.width, image.height]") == [{"light": 42, "dark": 112}[scheme], 28]
    page.locator("section.times button[name=slot]").first.wait_for()
    violations = [Axe().run(page, options=RULES).response["violations"]]
    page.locator("section.times button[name=slot]").first.click()
    fill = page.get_by_role("button", name="Confirm this time").evaluate(
        "button => [getComputedStyle(button).backgroundColor, getComputedStyle(document.documentElement)"
        ".getPropertyValue('--solid-line').trim() !== 'transparent']"
    )
    assert fill[0].startswith("oklch(0.88") is fill[1] is (accent == "#ffd400"), fill
    violations.append(Axe().run(page, options=RULES).response["violations"])
    assert [[found["id"] for found in each] for each in violations] == [[], []]
    assert [text for text in refused if "Content Security Policy" in text] == [], "the policy lets in the brand's style"
    context.close()
