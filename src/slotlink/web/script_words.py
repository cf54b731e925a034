"""The texts that the page's script writes, in the visitor's language: it has none of its own."""

from __future__ import annotations

from collections.abc import Callable
from gettext import NullTranslations
from typing import Any

from babel import Locale

MOST = 201
"""Up to here every plural form of our languages has come up, but for those of millions."""


def script_words(words: NullTranslations, locale: Locale) -> dict[str, Any]:
    """Texts by name. One that counts is a mapping of CLDR plural categories, with {num} where the number goes."""
    gettext, ngettext = words.gettext, words.ngettext

    def forms(text_for: Callable[[int], str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for number in range(MOST):
            category = str(locale.plural_form(number))
            if category not in found:
                found[category] = text_for(number) % {"num": "{num}"}
        return found

    return {
        "live": gettext("Live: checked a moment ago"),
        "offline": gettext("You are offline. The times may be out of date."),
        "reading": gettext("Reading calendars…"),
        "confirming": gettext("Confirming…"),
        "sending": gettext("Sending…"),
        "taken": gettext("Taken"),
        "were_taken": forms(lambda n: ngettext("%(num)s time was just taken.", "%(num)s times were just taken.", n)),
        "are_left": forms(lambda n: ngettext("%(num)s is left on this day.", "%(num)s are left on this day.", n)),
        "none_left": gettext("None is left on this day."),
        "show_new": forms(lambda n: ngettext("Show %(num)s new time", "Show %(num)s new times", n)),
        "left": forms(lambda n: ngettext("%(num)s character left", "%(num)s characters left", n)),
        "too_long": forms(
            lambda n: ngettext(
                "Please shorten your note by %(num)s character.", "Please shorten your note by %(num)s characters.", n
            )
        ),
        "zone": gettext("Time zone"),
        "close": gettext("Close"),
        "search": gettext("City, country or zone"),
        "suggested": gettext("Suggested"),
        "recent": gettext("Recently chosen"),
        "device": gettext("From your device."),
        "organiser": gettext("The organiser’s zone."),
        "zones_found": forms(lambda n: ngettext("%(num)s zone found.", "%(num)s zones found.", n)),
        "no_zone": gettext("No zone fits. Try a larger city nearby, a country, or an offset such as +2."),
        "accents": gettext("Accents do not matter when you type."),
        "times_now": gettext("Times now in %(zone)s.") % {"zone": "{zone}"},
    }
