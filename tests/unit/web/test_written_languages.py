"""The pages in the languages that have been written."""

from __future__ import annotations

import re

import pytest
from tests.every_page import INVITATION, PAGES, at, booking_pages, choice_of, every_page

from slotlink.web.invitation import Choice, Invitation
from slotlink.web.languages import page_locale, tag_of
from slotlink.web.words import catalogue_names


@pytest.mark.parametrize("locale", [name.replace("_", "-") for name in catalogue_names()])
def test_every_page_has_the_words_that_are_translated(locale: str) -> None:
    for name, html in every_page(locale).items():
        assert f'<html lang="{tag_of(page_locale(locale))}"' in html, name
        assert "Runs on" not in html and "%(" not in html, name


def test_one_process_speaks_two_languages_at_once() -> None:
    """Templates are compiled once, so their words must come with each page."""
    for locale, word in (("de", "Heute"), ("ar", "اليوم"), ("en-GB", "Today"), ("fr", "Aujourd’hui"), ("de", "Heute")):
        assert f">{word}<" in booking_pages(locale)["picker, today without times"], locale


def test_words_come_from_the_wider_language_and_formats_from_the_region() -> None:
    austrian = booking_pages("de-AT")["picker"]
    assert '<html lang="de-AT"' in austrian and "Zeitzone" in austrian
    american = PAGES.confirm(*confirmed("en-US"), form_token="1")
    assert "Tuesday, March 9, 2027" in american and "9:00" in american and "AM" in american
    assert "Tuesday 9 March 2027" in PAGES.confirm(*confirmed("en-GB"), form_token="1")
    egyptian = booking_pages("ar-EG")
    assert "٩ مارس" in egyptian["picker"] and not re.search(r">[^<]*[0-9]:[0-9]", egyptian["confirm"])
    assert "٥٠٠" in egyptian["none suitable"] and "١١" in egyptian["none suitable, 11 too long"]


def confirmed(locale: str) -> tuple[Invitation, Choice, int]:
    return INVITATION, choice_of(locale), at(3, 9, 9)


def test_under_a_day_stands_no_word_that_does_not_fit() -> None:
    def counts(locale: str) -> set[str]:
        return set(re.findall(r"<small>(\d+<i>[^<]*</i>)</small>", booking_pages(locale)["picker, a month"]))

    assert counts("en-GB") == {"3<i> times</i>"}
    assert counts("de") == {"3<i> Termine</i>"}
    assert counts("fr") == {"3<i></i>"}, "créneaux has eight letters"
    assert counts("ar") == {"3<i> مواعيد</i>"}


def test_a_visitor_who_reads_no_language_of_ours_reads_english() -> None:
    assert str(page_locale("nb")) == "en_GB"
    assert "Choose a day" in booking_pages("nb")["picker"]
