"""The one door through which the page's words pass: gettext catalogues, read as they are written (`.po`).

English is the language of the sources and has no catalogue; what a catalogue lacks is English too.
"""

from __future__ import annotations

import gettext
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.core import get_global, parse_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

CATALOGUES = Path(__file__).with_name("locale")
"""`<locale>/LC_MESSAGES/slotlink.po`, as Babel's tools lay them out. `make words` keeps them up to date."""

DOMAIN = "slotlink"
_ENGLISH = gettext.NullTranslations()


def words_of(locale: Locale) -> gettext.NullTranslations:
    """The words for `locale`, which comes from `languages.page_locale`."""
    name = catalogue_of(locale)
    return _read(name) if name else _ENGLISH


@lru_cache(maxsize=1024)
def catalogue_of(locale: Locale) -> str | None:
    """The catalogue that people of this locale can read: "de" for de_AT, "pt_BR" for pt. Empty for English, which
    needs none; None where there are no words for them (Traditional Chinese is not served by Simplified)."""
    if locale.language == "en":
        return ""
    language, script, territory = maximised(locale)
    near = [name for name in catalogue_names() if maximised(Locale.parse(name))[:2] == (language, script)]
    exact, wide = f"{language}_{territory}", language
    return next((name for name in (exact, wide) if name in near), near[0] if near else None)


@cache
def catalogue_names() -> tuple[str, ...]:
    return tuple(sorted(path.parts[-3] for path in CATALOGUES.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))


@lru_cache(maxsize=1024)
def maximised(locale: Locale) -> tuple[str, str, str]:
    """Language, script and territory, with what is left unsaid filled in: "ar" is ("ar", "Arab", "EG")
    (UTS 35, likely subtags)."""
    likely = get_global("likely_subtags")
    language, script, territory = locale.language, locale.script or "", locale.territory or ""
    for key in (f"{language}_{script}", f"{language}_{territory}", language):
        if key in likely:
            found = parse_locale(str(likely[key]))
            return language, script or found[2] or "", territory or found[1] or ""
    return language, script, territory


@cache
def _read(name: str) -> gettext.NullTranslations:
    with (CATALOGUES / name / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        catalogue = read_po(file, locale=name, domain=DOMAIN)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
