"""The one door through which the page's words pass: gettext, in English until there are catalogues."""

from __future__ import annotations

import gettext

from babel import Locale

_ENGLISH = gettext.NullTranslations()


def words_of(locale: Locale) -> gettext.NullTranslations:
    """The catalogue for `locale`, which comes from `dates.page_locale` and so has words."""
    del locale  # English is the only language written so far.
    return _ENGLISH
