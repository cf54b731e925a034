"""What may be set of a branding, and in which one form it is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slotlink.domain.branding import contact_of, locale_of, name_of, origin_of


@pytest.mark.parametrize(
    ("form", "text", "kept"),
    [
        (name_of, "  Globex & Söhne ", "Globex & Söhne"),
        (contact_of, "https://www.example.com/privacy?a=b#c", "https://www.example.com/privacy?a=b#c"),
        (contact_of, "mailto:help+us@example.com", "mailto:help+us@example.com"),
        (locale_of, "pt_BR", "pt-BR"),
        (locale_of, "zh-Hant-TW", "zh-Hant-TW"),
        (origin_of, "https://www.example.com", "https://www.example.com"),
        (origin_of, "https://WWW.Example.COM:8443", "https://www.example.com:8443"),
        (origin_of, "https://a.test:443", "https://a.test"),
        (origin_of, "http://localhost:3000", "http://localhost:3000"),
        (origin_of, "http://127.0.0.1:80", "http://127.0.0.1"),
        (origin_of, "https://a.test:65535", "https://a.test:65535"),
    ],
)
def test_what_is_right_is_kept_in_one_form(form: Callable[[str], str], text: str, kept: str) -> None:
    assert form(text) == kept
    assert form(kept) == kept


@pytest.mark.parametrize(
    "origin",
    [
        "https://www.example.com/",
        "https://www.example.com/page",
        "https://*.example.com",
        "https://*",
        "*",
        "null",
        "'self'",
        "https:",
        "https://",
        "www.example.com",
        "http://www.example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://127.0.0.2",
        "https://user@example.com",
        "https://a.test:0",
        "https://a.test:65536",
        "https://a.test:",
        "https://a.test; script-src *",
        "https://a.test https://b.test",
        "https://a.test\n",
        "https://a.test\nX-Header: y",
        "https://münchen.test",
        "https://-a.test",
        "https://a..test",
        "javascript://a.test",
        "https://" + "a" * 270,
    ],
)
def test_an_origin_is_exact_or_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="exact origin"):
        origin_of(origin)


@pytest.mark.parametrize(
    "contact",
    [
        "http://www.example.com",
        "javascript:alert(1)",
        " https://www.example.com",
        "https://user:password@example.com",
        "https://www.example.com/a b",
        "https://",
        "mailto:",
        "mailto:help",
        "mailto:a@b.test?subject=x",
        "mailto:a@b.test,c@d.test",
        "data:text/html,x",
        "//www.example.com",
        "https://a.test/" + "x" * 2048,
    ],
)
def test_a_contact_is_https_or_one_mail_address(contact: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        contact_of(contact)


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\x00b", "\x85", "\ud800", "x" * 256])
def test_a_name_is_a_text(name: str) -> None:
    with pytest.raises(ValueError, match="255"):
        name_of(name)


@pytest.mark.parametrize("locale", ["", "english", "e", "de-", "de-DE-1996-x-private", "de\n", "../de"])
def test_a_locale_is_a_language_tag(locale: str) -> None:
    with pytest.raises(ValueError, match="language tag"):
        locale_of(locale)
