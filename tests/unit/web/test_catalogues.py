"""The catalogues: up to date with the sources, complete, and safe to put into a page."""

from __future__ import annotations

import re

import pytest
from babel import Locale
from babel.messages.catalog import Message
from translation.catalogues import (
    PLACE,
    TEMPLATE,
    UNREAD,
    english,
    gaps,
    head_of,
    messages_of,
    new_head,
    path_of,
    read,
    strings,
    template,
    text_of,
    updated,
)

from slotlink.web.words import catalogue_names, catalogue_of, words_of

MESSAGES = template()
NAMES = catalogue_names()


def test_the_template_is_up_to_date() -> None:
    assert TEMPLATE.read_text(encoding="utf-8") == text_of(MESSAGES, new_head(None)), "run: make words"


@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_is_up_to_date_and_complete(name: str) -> None:
    catalogue = updated(name, MESSAGES)
    assert path_of(name).read_text(encoding="utf-8") == text_of(catalogue, head_of(name)), "run: make words"
    found = gaps(catalogue)
    assert (found.missing, found.fuzzy) == ((), ())


@pytest.mark.parametrize("name", NAMES)
def test_a_translation_has_the_places_of_its_message_and_no_markup(name: str) -> None:
    for message in messages_of(read(name)):
        wanted = places(message)
        for text in strings(message):
            # A form for one or two may say so in words: "two times" is one word in Arabic.
            assert wanted - {"num"} <= set(PLACE.findall(text)) <= wanted, text
            assert "%" not in PLACE.sub("", text), f"a percent sign is written as two: {text}"
            assert not re.search("[<>&{}]", text), text
            assert not re.search("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]", text), text
            assert text == text.strip() and "  " not in text and "!" not in text, text


@pytest.mark.parametrize("name", NAMES)
def test_a_catalogue_has_its_languages_plural_forms(name: str) -> None:
    catalogue = read(name)
    assert (catalogue.num_plurals, catalogue.plural_expr) == forms_of(name)
    for message in messages_of(catalogue):
        assert len(strings(message)) == (catalogue.num_plurals if message.pluralizable else 1), english(message)


@pytest.mark.parametrize("name", NAMES)
def test_a_machines_translation_says_so_at_its_head(name: str) -> None:
    head = head_of(name)
    assert head.startswith(f"# {UNREAD}\n") == ('"X-Generated: machine\\n"' in head)


@pytest.mark.parametrize("name", NAMES)
def test_every_message_is_read_from_its_catalogue(name: str) -> None:
    words = words_of(Locale.parse(name))
    assert catalogue_of(Locale.parse(name)) == name
    for message in messages_of(read(name)):
        if message.pluralizable:
            assert words.ngettext(*message.id, 5) in strings(message)
        elif message.context:
            assert words.pgettext(message.context, english(message)) == strings(message)[0]
        else:
            assert words.gettext(english(message)) == strings(message)[0]


def test_arabic_counts_in_six_forms() -> None:
    words = words_of(Locale("ar"))
    counted = {
        number: words.ngettext("%(num)s time", "%(num)s times", number) % {"num": number}
        for number in (0, 1, 2, 3, 11, 100, 103, 111)
    }
    assert counted == {
        0: "لا مواعيد",
        1: "موعد واحد",
        2: "موعدان",
        3: "3 مواعيد",
        11: "11 موعدًا",
        100: "100 موعد",
        103: "103 مواعيد",
        111: "111 موعدًا",
    }


def test_what_a_catalogue_lacks_is_english() -> None:
    for locale in (Locale("ar"), Locale("en", "GB")):
        words = words_of(locale)
        assert words.gettext("Not in any catalogue") == "Not in any catalogue"
        assert words.ngettext("%(num)s goat", "%(num)s goats", 1) == "%(num)s goat"
        assert words.ngettext("%(num)s goat", "%(num)s goats", 3) == "%(num)s goats"


def test_nothing_in_the_files_changes_by_itself() -> None:
    for path in (TEMPLATE, *map(path_of, NAMES)):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"-Date:|Generated-By|^#: .*:\d|^#: /", text, re.MULTILINE), path


def test_english_messages_have_no_percent_sign_but_in_places() -> None:
    texts = [english(message) for message in messages_of(MESSAGES)]
    assert len(texts) > 150
    for text in texts:
        assert "%" not in PLACE.sub("", text), text


def places(message: Message) -> set[str]:
    texts = message.id if isinstance(message.id, (tuple, list)) else (message.id,)
    return {place for text in texts for place in PLACE.findall(str(text))}


def forms_of(name: str) -> tuple[int, str]:
    found = re.search(r"nplurals=(\d+); plural=(.*);", new_head(Locale.parse(name)))
    assert found is not None
    return int(found[1]), found[2]
