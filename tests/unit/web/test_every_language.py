"""Every page in every language; and in a language that nobody speaks, which shows what was left in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment
from tests.every_page import every_page
from tests.pseudo import accented, pseudo_words

from slotlink.web import pages

TEMPLATES = Path(pages.__file__).parent / "templates"
LOCALES = [
    *("ar", "cs", "cy", "de", "en", "en-GB", "es", "fr", "fr-CA", "he"),
    *("it", "ja", "nl", "pl", "pt-BR", "ru", "sv", "tr", "zh-CN"),
]
REGIONS = ["ar-EG", "de-AT", "en-US", "fr-BE", "pt-PT", "zh-Hans"]
READ_ALOUD = ("aria-label", "title", "alt", "placeholder", "label", "abbr")
NO_WORDS = {"UTC", "GMT"}
PRODUCTS = ("Google Calendar", "Microsoft 365", "Apple iCloud")


@pytest.fixture(scope="module", autouse=True)
def pseudo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pseudo_words(tmp_path_factory.mktemp("locale")):
        yield


class Words(HTMLParser):
    """What a visitor reads of a page, or hears. The cities of the list of zones are CLDR's, and so are the
    languages' own names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html: dict[str, str | None] = {}
        self.found: list[str] = []
        self.inside: list[str] = []
        self.names_a_language = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside.append(tag)
        self.names_a_language = "hreflang" in dict(attrs)
        if tag == "html":
            self.html = dict(attrs)
        self.found += [value or "" for name, value in attrs if name in READ_ALOUD]

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not self.names_a_language and not {"style", "script", "option"} & set(self.inside[-1:]):
            self.found.append(data.strip())


@pytest.mark.parametrize("locale", [*LOCALES, *REGIONS])
def test_every_page_is_in_the_language_and_says_so(locale: str) -> None:
    direction = "rtl" if locale[:2] in ("ar", "he") else "ltr"
    for name, html in every_page(locale).items():
        words = Words(html)
        assert (words.html["lang"], words.html["dir"]) == (locale.replace("zh-CN", "zh-Hans-CN"), direction), name
        assert ("Ŕúñš" in html) is not locale.startswith("en"), name
        assert "%(" not in html and "duration-" not in html and "Undefined" not in html, name


def test_no_word_is_left_outside_the_catalogues() -> None:
    """The formats are Japanese and the texts of the link Greek, so a letter of A to Z is a word left in English."""
    seen: set[str] = set()
    for name, html in every_page("ja").items():
        for text in Words(html).found:
            for product in PRODUCTS:
                text = text.replace(product, "")
            assert set(re.findall("[A-Za-z]{2,}", text)) <= NO_WORDS, f"{name}: {text}"
            seen.add(text)
    assert accented("Choose a day") in seen and accented("Nothing was connected.") in seen


def test_every_template_is_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    load = Environment.get_template

    def get_template(self: Environment, name: str, *rest: object, **more: object) -> object:
        seen.add(name)
        return load(self, name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Environment, "get_template", get_template)
    every_page("de")
    shared = {"docs.html"}
    assert {path.name for path in TEMPLATES.glob("*.html")} - shared <= seen
