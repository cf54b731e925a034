"""Nobody loses their place on a page that changes by itself, or sees the focus go under something."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ServedCenter
from tests.browser.test_booking import interview
from tests.browser.test_script import focused, moment, opened, slots
from tests.center import DAY, HOUR, START, CreatedLink


def unread(page: Page, link: CreatedLink, part: str) -> None:
    """From now on the link's page says that calendars could not be read: its script asks again in two seconds."""

    def pass_on(route: Any) -> None:
        answer = route.fetch()
        assert part in answer.text()
        route.fulfill(response=answer, body=answer.text().replace(part, f"{part} data-retry"))

    page.route(re.compile(re.escape(link.url) + r"(\?.*)?$"), pass_on)
    page.reload()


def wait_until_replaced(page: Page) -> None:
    page.evaluate("() => { window.held = document.activeElement; }")
    page.wait_for_function("() => !held.isConnected", timeout=60_000)  # the pauses grow to half a minute


def test_who_waits_for_calendars_keeps_the_focus(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        unread(page, link, '<section class="times"')
        page.locator("section.times .slots button").nth(2).focus()
        held = focused(page)
        wait_until_replaced(page)
        assert focused(page) == held
        page.get_by_text("Change", exact=True).focus()
        page.locator(".month td[tabindex]").last.focus()
        day = focused(page)
        assert day.endswith("no times")
        wait_until_replaced(page)
        assert focused(page) == day


def test_who_writes_a_note_meanwhile_keeps_it(served: ServedCenter, browser: Browser) -> None:
    link, (maya, _) = interview(served)
    maya.event("away", START, START + 40 * DAY)
    with opened(browser, link.url) as page:
        unread(page, link, '<div class="state"')
        page.get_by_label("When could you make it?").fill("Any Tuesday")
        wait_until_replaced(page)
        expect(page.get_by_label("When could you make it?")).to_have_value("Any Tuesday")
        expect(page.get_by_label("When could you make it?")).to_be_focused()


def test_who_looks_through_the_languages_meanwhile_keeps_the_list_open(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        unread(page, link, '<section class="times"')
        page.locator(".languages summary").click()
        page.locator(".languages a[lang=cs]").focus()
        wait_until_replaced(page)
        assert focused(page) == "Čeština"
        expect(page.locator(".languages a[lang=pl]")).to_be_visible()


def test_the_zones_close_when_tab_leads_out_of_them(served: ServedCenter, browser: Browser) -> None:
    """On a wide screen they lie over the month (WCAG 2.4.11)."""
    link, _ = interview(served)
    for key in ("Tab", "Shift+Tab"):
        with opened(browser, link.url) as page:
            page.get_by_text("Change", exact=True).click()
            expect(page.get_by_role("searchbox")).to_be_focused()
            for _ in range(12):
                page.keyboard.press(key)
                if not page.evaluate("() => Boolean(document.activeElement.closest('dialog'))"):
                    break
            expect(page.get_by_role("dialog")).to_have_count(0)
            assert page.evaluate(
                "() => { const held = document.activeElement, box = held.getBoundingClientRect();"
                " return held !== document.body && held.contains("
                "document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)); }"
            ), f"after {key} the focus is seen"


def test_the_button_of_the_zones_says_whether_they_are_open(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    with opened(browser, link.url) as page:
        button = page.locator("details.zone")
        for ends_with in ("Escape", "Shift+Tab"):
            expect(button).not_to_have_attribute("open", "")
            page.get_by_text("Change", exact=True).click()
            expect(page.get_by_role("searchbox")).to_be_focused()
            expect(button).to_have_attribute("open", "")
            expect(page.locator("select#tzid")).to_be_hidden()
            for _ in range(2):
                page.keyboard.press(ends_with)
        expect(button).not_to_have_attribute("open", "")


def test_where_the_search_does_not_load_the_plain_list_is_there(served: ServedCenter, browser: Browser) -> None:
    link, _ = interview(served)
    context = browser.new_context(locale="en-GB", timezone_id="Europe/London")
    page = context.new_page()
    page.route("**/zone_picker.js*", lambda route: route.abort())
    page.goto(link.url)
    page.get_by_text("Change", exact=True).click()
    page.get_by_label("Time zone", exact=True).select_option("Asia/Kolkata")
    expect(page.locator(".view summary b")).to_have_text("Kolkata time")
    context.close()


def test_what_the_search_asks_for_is_readable_in_the_dark(served: ServedCenter, browser: Browser) -> None:
    """In the ink of hints, whose contrast `test_no_brand_makes_the_page_unreadable` works out."""
    link, _ = interview(served)
    with opened(browser, link.url, color_scheme="dark") as page:
        page.get_by_text("Change", exact=True).click()
        asks, hint = page.get_by_role("dialog").evaluate(
            "dialog => [getComputedStyle(dialog.querySelector('input'), '::placeholder'),"
            " getComputedStyle(dialog.querySelector('.hint'))].map(({ color, opacity }) => [color, opacity])"
        )
        assert asks == hint and asks[1] == "1"


def test_a_time_that_was_taken_says_so_by_name(served: ServedCenter, browser: Browser) -> None:
    link, (maya, _) = interview(served)
    with opened(browser, link.url) as page:
        expect(page.get_by_text("Live: checked a moment ago")).to_be_visible()
        value = slots(page)[1]
        time = page.locator(f".slots button[value='{value}']")
        name = time.get_attribute("aria-label") or ""
        maya.event("meanwhile", moment(value), moment(value) + HOUR // 4)
        expect(time).to_have_accessible_name(f"{name} – Taken")
        maya.cancel("meanwhile")
        expect(time).to_have_accessible_name(name)


@pytest.mark.parametrize("width", [320, 1280])
def test_every_stop_of_tab_is_seen_and_large_enough(served: ServedCenter, browser: Browser, width: int) -> None:
    """WCAG 2.4.1, 2.4.7, 2.4.11, 2.5.8: round the page once."""
    link, _ = interview(served)
    with opened(browser, link.url, viewport={"width": width, "height": 800}) as page:
        page.get_by_text("None of these suit me").click()
        page.evaluate("() => { document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); }")
        page.evaluate("() => { document.querySelector('.skip').focus(); document.querySelector('.skip').blur(); }")
        seen: list[str] = []
        page.keyboard.press("Shift+Tab")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement === document.body"):
                continue
            name, outline, shortest, is_on_top = page.evaluate(
                """() => {
                  const held = document.activeElement, shown = held.type === 'radio' ? held.nextElementSibling : held
                  const { outlineStyle, outlineWidth } = getComputedStyle(shown), box = held.getBoundingClientRect()
                  const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
                  return [(held.getAttribute('aria-label') || held.innerText || held.value || held.id).trim(),
                    `${outlineStyle} ${outlineWidth}`, Math.min(box.width, box.height), held.contains(top)]
                }"""
            )
            if name in seen:
                break
            seen.append(name)
            assert outline == "solid 3px", name
            assert shortest >= 24, name
            assert is_on_top, name
        assert {"Skip to the times", "24", "note", "Tell Globex"} <= set(seen), seen
        page.locator(".skip").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement === document.querySelector('.times .slots button')")
