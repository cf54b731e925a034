"""How an application's pages look and who may embed them: what may be set, and what is wrong with the rest.

Each `…_of` gives the one form in which a value is kept. All raise ValueError with a sentence for people.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slotlink.domain.logo import Logo

MAX_NAME = 255
MAX_CONTACT = 2048
MAX_ORIGINS = 20
MAX_ORIGIN = 270  # a name of 253, a scheme and a port

_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"{_LABEL}(\.{_LABEL})*"  # international names as xn--…: the policy names them in a header
ORIGIN = rf"^(https://{_HOST}|http://(localhost|127\.0\.0\.1)){_PORT}$"
CONTACT = rf"^(https://{_HOST}{_PORT}([/?#][!-~]*)?|mailto:[A-Za-z0-9.!#$&'*+/=^_`{{|}}~-]+@{_HOST})$"
NAME = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
LOCALE = r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,4}){0,2}$"


@dataclass(frozen=True, slots=True)
class Branding:
    """`name` stands for the application's own on its links' pages. `accent` is `#rrggbb`."""

    name: str | None = None
    accent: str | None = None
    logo: Logo | None = None
    dark_logo: Logo | None = None  # on dark grounds instead of `logo`
    privacy_url: str | None = None
    support_url: str | None = None
    default_locale: str | None = None  # of visitors who ask for no language that the page has
    embed_origins: tuple[str, ...] = ()


def name_of(text: str) -> str:
    if len(text) > MAX_NAME or not re.fullmatch(NAME, text) or any("\ud800" <= each <= "\udfff" for each in text):
        raise ValueError(f"must have 1 to {MAX_NAME} characters, and none that control")
    return text.strip()


def contact_of(text: str) -> str:
    if len(text) > MAX_CONTACT or not re.fullmatch(CONTACT, text):
        raise ValueError("must be an https:// address, or mailto: with an address alone, in ASCII without spaces")
    return text


def locale_of(text: str) -> str:
    if not re.fullmatch(LOCALE, text):
        raise ValueError("must be a language tag such as de or pt-BR")
    return text.replace("_", "-")


def origin_of(text: str) -> str:
    """As a browser names it (RFC 6454 section 6.2): in lower case, without the scheme's own port."""
    if len(text) > MAX_ORIGIN or not re.fullmatch(ORIGIN, text):
        raise ValueError(
            "must be an exact origin such as https://www.example.com, without path and wildcard; http only for "
            "localhost and 127.0.0.1"
        )
    origin = text.lower()
    return origin.removesuffix(":443" if origin.startswith("https:") else ":80")
