"""Catalogues that nobody has to translate: every letter of the English accented, every message 40 percent longer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from babel import Locale
from babel.messages.catalog import Catalog
from translation.catalogues import messages_of, new_head, template, text_of

from slotlink.web import languages, words, zones

LANGUAGES = ["ar", "cs", "cy", "de", "es", "fr", "he", "it", "ja", "nl", "pl", "pt_BR", "ru", "sv", "tr", "zh_CN"]
"""Those of the page that need a catalogue."""

_PLACE = re.compile(r"(%\(\w+\)s)")
_ACCENTED = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "áƀćđéƒǵħíĵķłɱñóƥɋŕšťúṽŵẋýžÁɃĆĐÉƑǴĦÍĴĶŁṀÑÓƤɊŔŠŤÚṼŴẊÝŽ",
)


def accented(text: str) -> str:
    parts = _PLACE.split(text)
    words = "".join(part if _PLACE.fullmatch(part) else part.translate(_ACCENTED) for part in parts)
    letters = sum(len(part) for part in parts if not _PLACE.fullmatch(part))
    more = round(letters * 0.4)
    return words + "".join(" " if place % 6 == 0 else "ö" for place in range(more))


@contextmanager
def pseudo_words(folder: Path) -> Iterator[None]:
    """Every language of the page has such a catalogue, as long as this lasts."""
    messages = template()
    for name in LANGUAGES:
        catalogue = Catalog(locale=name, charset="utf-8")
        for message in messages_of(messages):
            plural = isinstance(message.id, tuple)
            text = accented(message.id[1] if plural else str(message.id))
            catalogue.add(message.id, (text,) * catalogue.num_plurals if plural else text, context=message.context)
        path = folder / name / "LC_MESSAGES" / "slotlink.po"
        path.parent.mkdir(parents=True)
        path.write_text(text_of(catalogue, new_head(Locale.parse(name))), encoding="utf-8")
    with mock.patch.object(words, "CATALOGUES", folder):
        forget()
        yield
    forget()


def forget() -> None:
    """What is remembered of the catalogues."""
    for function in (
        *(words.catalogue_names, words.catalogue_of, words._read),
        *(languages.locale_of_tag, languages.page_locale, zones.zone_options),
    ):
        function.cache_clear()
