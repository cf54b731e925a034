"""Which language a page speaks."""

from __future__ import annotations

import pytest
from tests.pseudo import LANGUAGES, pseudo_words

from slotlink.web.languages import accepted, locale_of_tag, negotiate, page_locale
from slotlink.web.words import catalogue_of, words_of


@pytest.fixture(scope="module", autouse=True)
def all_languages(tmp_path_factory: pytest.TempPathFactory):
    with pseudo_words(tmp_path_factory.mktemp("locale")):
        yield


NEGOTIATED = [
    # asked for in the address, Accept-Language, the application's own; answered; with the words of
    ("de", "fr", "es", "de", "de"),
    ("de-AT", "", None, "de-AT", "de"),
    ("pt_BR", "", None, "pt-BR", "pt_BR"),
    ("", "fr", None, "fr", "fr"),
    ("klingon", "fr", None, "fr", "fr"),
    ("nb", "fr", None, "fr", "fr"),
    ("<script>", "fr", None, "fr", "fr"),
    ("../de", "fr", None, "fr", "fr"),
    ("de" * 5000, "fr", None, "fr", "fr"),
    (["de"], "fr", None, "fr", "fr"),
    (None, "de-AT,de;q=0.9,en;q=0.8", None, "de-AT", "de"),
    (None, "fr-BE", None, "fr-BE", "fr"),
    (None, "fr-CA,en;q=0.5", None, "fr-CA", "fr"),
    (None, "pt", None, "pt", "pt_BR"),
    (None, "pt-PT", None, "pt-PT", "pt_BR"),
    (None, "zh", None, "zh", "zh_CN"),
    (None, "zh-Hans", None, "zh-Hans", "zh_CN"),
    (None, "zh-CN", None, "zh-Hans-CN", "zh_CN"),
    (None, "zh-TW, ja;q=0.5", None, "ja", "ja"),
    (None, "zh-Hant, ja;q=0.5", None, "ja", "ja"),
    (None, "iw", None, "he-IL", "he"),
    (None, "nb,nn;q=0.9,en;q=0.8", None, "en", ""),
    (None, "nb", None, "en-GB", ""),
    (None, "nb", "sv", "sv", "sv"),
    (None, "nb,*;q=0.5", "sv", "sv", "sv"),
    (None, "*, de;q=0.5", "sv", "sv", "sv"),
    (None, "en;q=0.1, ru;q=0.7, tr", None, "tr", "tr"),
    (None, "en;q=0.1, ru;q=0.7, tr;q=0", None, "ru", "ru"),
    (None, "ru;q=0.5, cy;q=0.5", None, "ru", "ru"),
    (None, "ru;q=2, cy;q=0.5", None, "cy", "cy"),
    (None, "ru;q=, cy;q=0.500", None, "cy", "cy"),
    (None, "de-AT-1996", None, "de-AT", "de"),
    (None, "de-DE-u-co-phonebk", None, "de-DE", "de"),
    (None, "de-QQ", None, "de", "de"),
    (None, "en-US", "de", "en-US", ""),
    (None, "EN-us", None, "en-US", ""),
    (None, "es-419", None, "es-419", "es"),
    (None, "", "it", "it", "it"),
    (None, "", "nb", "en-GB", ""),
    (None, "", None, "en-GB", ""),
    (None, ",;,q=1,;q=1" * 9, None, "en-GB", ""),
]


@pytest.mark.parametrize(("asked", "header", "default", "answered", "words"), NEGOTIATED)
def test_the_address_then_the_browser_then_the_application(
    asked: object, header: str, default: str | None, answered: str, words: str
) -> None:
    tag = negotiate(asked, header, default)
    assert tag == answered
    assert catalogue_of(page_locale(tag)) == words
    assert negotiate(tag, "") == tag, "a link carries it on"


def test_the_most_wanted_comes_first_and_the_first_of_equals() -> None:
    assert accepted("a;q=0.3, b, c;q=0.3 , d ; q=0.9,e;q=0,f;q=1.000") == ["b", "f", "d", "a", "c"]


def test_a_long_field_is_not_read_to_its_end() -> None:
    assert accepted("xx," * 30 + "de") == ["xx"] * 30
    assert accepted("x" * 1000 + ",de") == ["x" * 1000]


def test_every_language_of_the_page_is_found_by_its_tag() -> None:
    for tag in [*LANGUAGES, "en", "en-GB", "fr-CA"]:
        locale = locale_of_tag(tag)
        assert locale is not None, tag
        assert (words_of(locale).gettext("Today") != "Today") is (locale.language != "en"), tag


def test_what_names_no_language_of_ours_is_answered_in_british_english() -> None:
    for name in ("", "nb", "x", "root", "C", "no such locale", "zh-TW", "de\x00"):
        assert str(page_locale(name)) == "en_GB", name
