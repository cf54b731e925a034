"""Which language a page speaks: what the visitor asks for, and what there are words in. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError

from slotlink.web.words import catalogue_of

FALLBACK_LOCALE = "en-GB"
"""For everybody else: English words, but day before month, 24 hours and weeks from Monday, as in most of the world."""

OFFERED = (
    *("ar", "cs", "cy", "de", "en", "en-GB", "es", "fr", "fr-CA", "he"),
    *("it", "ja", "nl", "pl", "pt-BR", "ru", "sv", "tr", "zh-CN"),
)
"""What a visitor may choose at the foot of a page: the locales of the wire specification."""

HEADER_LENGTH = 1000
WISHES = 30
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,7}")
_QUALITY = re.compile(r"[qQ]\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def negotiate(asked: Any, accept_language: str, default: str | None = None) -> str:
    """The language tag of the page: the one asked for in its address, else what the visitor's browser accepts, else
    the application's own, else en-GB. It keeps the visitor's region, for dates and times, even where the words are
    those of a wider language: "de-AT" is answered with "de-AT", though its words are German for everybody.

    asked    of any type and content; what cannot be read, or has no words, is as if it were not there
    default  the application's language"""
    wishes: Sequence[Any] = [asked, *accepted(accept_language), default]
    for wish in wishes:
        if wish == "*":
            return negotiate(default, "")
        locale = locale_of_tag(wish) if isinstance(wish, str) else None
        if locale is not None:
            return tag_of(locale)
    return FALLBACK_LOCALE


def accepted(field: str) -> list[str]:
    """The ranges of an Accept-Language field, most wanted first (RFC 9110 section 12.5.4). Those of weight 0, and
    what cannot be read, are left out."""
    wishes: list[tuple[float, str]] = []
    for part in field[:HEADER_LENGTH].split(",")[:WISHES]:
        tag, _, parameter = (text.strip() for text in part.partition(";"))
        quality = _QUALITY.fullmatch(parameter) if parameter else None
        weight = 1.0 if not parameter else float(quality[1]) if quality else 0.0
        if tag and weight > 0:
            wishes.append((weight, tag))
    return [tag for _, tag in sorted(wishes, key=lambda wish: -wish[0])]


@lru_cache(maxsize=1024)
def locale_of_tag(tag: str) -> Locale | None:
    """The locale of a language tag, shortened from its end until CLDR knows it (RFC 4647 section 3.4): "de-AT-1996"
    is de_AT. None where it names no language that we have words in."""
    subtags = re.split("[-_]", tag) if _TAG.fullmatch(tag) else []
    while subtags:
        try:
            locale = Locale.parse("_".join(subtags))
        except (ValueError, UnknownLocaleError):
            subtags.pop()
        else:
            return locale if catalogue_of(locale) is not None else None
    return None


@lru_cache(maxsize=256)
def page_locale(name: str) -> Locale:
    """The locale in which a page answers a visitor who asked for `name` ("en-GB", "pt_BR"). Never raises."""
    return locale_of_tag(name) or Locale.parse(FALLBACK_LOCALE, sep="-")


def tag_of(locale: Locale) -> str:
    return str(locale).replace("_", "-")


@lru_cache(maxsize=256)
def own_name(locale: Locale) -> str:
    """The name of a language in itself, as in a list: "Français (Canada)"."""
    name = locale.get_display_name() or tag_of(locale)
    return name[0].upper() + name[1:]


@cache
def offered_languages() -> tuple[tuple[str, str], ...]:
    """Tag and own name of each."""
    return tuple((tag, own_name(page_locale(tag))) for tag in OFFERED)
