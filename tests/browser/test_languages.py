"""The pages in Chromium: from right to left, and in words that are longer than anybody's."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from slotlink.web import pages
from tests.every_page import every_page
from tests.pseudo import pseudo_words

STYLE = (Path(pages.__file__).parent / "static" / "page.css").read_text(encoding="utf-8")
SPACING = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }
p { margin-block-end: 2em !important }"""
WIDTHS = (320, 1280)
ONLY_WORDS = re.compile(
    r"connect, (caldav|ics), (?!unprotected)|connect, refused: (?!form)|none suitable, \d+ |connect, the same"
)

# Texts that are drawn outside the window or of a box they stand in. Not what only assistive technology reads. A month's
# table is wider by 4 px on either side than its section, and a word beside a count in it may be out of sight.
CUT = """() => {
  const cut = [], wide = document.documentElement.clientWidth
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let text; (text = walker.nextNode()); ) {
    const parent = text.parentElement
    const unseen = parent.closest('.unseen, .skip, .month i, select, textarea') || !parent.checkVisibility()
    if (unseen || !text.data.trim()) continue
    const range = document.createRange()
    range.selectNodeContents(text)
    const lines = [...range.getClientRects()]
    if (lines.some(line => line.left < 0 || line.right > wide)) cut.push(`window: ${text.data.trim()}`)
    for (let box = parent; box !== document.body; box = box.parentElement) {
      const { display, position } = getComputedStyle(box)
      if (display === 'inline') continue
      const around = box.getBoundingClientRect()
      const sideways = line => line.left < around.left - 4.5 || line.right > around.right + 4.5
      const below = line => line.top < around.top - 4.5 || line.bottom > around.bottom + 4.5
      if (lines.some(line => sideways(line) || below(line))) {
        cut.push(`${box.tagName}.${box.className}: ${text.data.trim()}`)
        break
      }
      if (position === 'absolute') break
    }
  }
  return cut
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Generator[Page]:
    context = browser.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


def layouts(locale: str) -> dict[str, str]:
    """Every page, but for those that differ from another in a sentence only."""
    return {name: html for name, html in every_page(locale).items() if not ONLY_WORDS.match(name)}


def show(page: Page, html: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.set_content(re.sub("<link rel=.stylesheet.[^>]*>", lambda _: f"<style>{STYLE}</style>", html))


def overflow(page: Page) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_in_arabic_scrolls_sideways_or_is_cut(page: Page, width: int) -> None:
    for name, html in layouts("ar").items():
        show(page, html, width)
        assert overflow(page) <= 0, name
        assert page.evaluate(CUT) == [], name


@pytest.mark.parametrize(("width", "seen"), [(940, True), (1280, True), (640, False)])
def test_a_word_beside_a_count_is_whole_or_not_there(page: Page, width: int, seen: bool) -> None:
    """Short ones are there where there is room; in Welsh or so, with longer words, nothing is cut in the middle."""
    for locale, word in (("en-GB", "times"), ("de", "Termine")):
        show(page, every_page(locale)["picker, a month"], width)
        word_box = page.locator(".month small i", has_text=word).first
        count, around = box_of(word_box.locator("xpath=..")), word_box.bounding_box()
        shown = around is not None and around["y"] < count["y"] + count["height"]
        assert shown is (seen and (locale == "en-GB" or width == 1280)), locale
        if shown and around is not None:
            assert count["x"] <= around["x"] and around["x"] + around["width"] <= count["x"] + count["width"] + 0.5


@pytest.mark.parametrize(("width", "seen"), [(320, {"en-GB"}), (1280, {"en-GB", "ru"})])
def test_the_word_under_today_is_whole_or_not_there(page: Page, width: int, seen: set[str]) -> None:
    for locale in ("en-GB", "ru", "fr"):
        show(page, every_page(locale)["picker, today without times"], width)
        line = box_of(page.locator(".month td span small"))
        word = box_of(page.locator(".month td span small i"))
        assert (word["y"] < line["y"] + line["height"]) is (locale in seen), locale
        if locale in seen:
            assert line["x"] <= word["x"] and word["x"] + word["width"] <= line["x"] + line["width"], locale


def test_in_arabic_the_month_begins_on_the_right_and_the_chevrons_turn(page: Page) -> None:
    show(page, every_page("ar")["picker"], 1280)
    assert page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    columns = [box["x"] for box in map(box_of, page.locator(".month th").all())]
    assert columns == sorted(columns, reverse=True)
    first, last = page.locator(".month th").first, page.locator(".month th").last
    assert (first.get_attribute("abbr"), last.get_attribute("abbr")) == ("السبت", "الجمعة")
    days, times = box_of(page.locator("section.month")), box_of(page.locator("section.times"))
    assert days["x"] > times["x"], "the days come first, so they are on the right"
    turned = page.locator(".bar svg.turns").first.evaluate("element => getComputedStyle(element).transform")
    assert turned == "matrix(-1, 0, 0, 1, 0, 0)"
    clock = page.locator(".facts svg").first.evaluate("element => getComputedStyle(element).transform")
    assert clock == "none"


def test_an_offset_in_an_arabic_sentence_reads_from_left_to_right(page: Page) -> None:
    show(page, every_page("ar")["picker, behind UTC"], 1280)
    sign, digit = page.locator(".zone summary small bdi").evaluate(
        """element => {
          const text = element.firstChild, range = document.createRange()
          return [text.data.indexOf('−'), text.data.indexOf('3')].map(place => {
            range.setStart(text, place); range.setEnd(text, place + 1)
            return range.getBoundingClientRect().x
          })
        }"""
    )
    assert sign < digit


@pytest.mark.parametrize(("locale", "width"), [("de", 320), ("he", 940)])
def test_words_that_are_longer_by_two_fifths_fit(page: Page, tmp_path: Path, locale: str, width: int) -> None:
    with pseudo_words(tmp_path):
        shown = layouts(locale)
    for name, html in shown.items():
        show(page, html, width)
        assert overflow(page) <= 0, name
        assert page.evaluate(CUT) == [], name


@pytest.mark.parametrize("width", [320, 1280])
def test_wider_spacing_of_text_fits(page: Page, width: int) -> None:
    """WCAG 1.4.12: each distance at once as wide as a visitor may set it."""
    for name, html in layouts("en-GB").items():
        show(page, html, width)
        page.add_style_tag(content=SPACING)
        assert overflow(page) <= 0, name
        assert page.evaluate(CUT) == [], name


@pytest.mark.parametrize("locale", ["ar", "de"])
def test_pages_in_other_languages_are_accessible(page: Page, locale: str) -> None:
    shown = every_page(locale)
    for name in ("picker", "picker, taken", "confirm", "completed", "none suitable, 11 too long", "connect, caldav"):
        show(page, shown[name], 390)
        results = Axe().run(page)
        assert results.violations_count == 0, f"{name}: {results.generate_report()}"


def box_of(locator) -> dict[str, float]:
    box = locator.bounding_box()
    assert box is not None
    return box
