"""How an application's pages look, as clients send it. `domain/branding.py` and `domain/logo.py` say what is right."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from slotlink.domain.accent import ACCENT, accent_of
from slotlink.domain.branding import (
    CONTACT,
    LOCALE,
    MAX_CONTACT,
    MAX_NAME,
    MAX_ORIGIN,
    MAX_ORIGINS,
    NAME,
    ORIGIN,
    Branding,
    contact_of,
    locale_of,
    name_of,
    origin_of,
)
from slotlink.domain.logo import MAX_LOGO_BYTES, Logo, read_logo
from slotlink.web.wire import Text, Wire, fault

_DATA = re.compile(r"data:image/(?:png|svg\+xml);base64,([A-Za-z0-9+/]+={0,2})")
_DATA_LENGTH = len("data:image/svg+xml;base64,") + 4 * -(-MAX_LOGO_BYTES // 3)


def _kept(form: Callable[[str], Any]) -> AfterValidator:
    """The value in the form in which it is kept, or a fault in our words."""

    def checked(value: str) -> Any:
        try:
            return form(value)
        except ValueError as error:
            raise fault("errors.invalid_format", str(error).replace("{", "{{").replace("}", "}}")) from error

    return AfterValidator(checked)


def _logo_of(text: str) -> Logo:
    match = _DATA.fullmatch(text)
    try:
        content = base64.b64decode(match[1], validate=True) if match else None
    except binascii.Error:
        content = None
    if content is None:
        raise ValueError("must be a data: URL of a PNG or an SVG in base64")
    return read_logo(content)


Contact = Annotated[Text, Field(max_length=MAX_CONTACT, json_schema_extra={"pattern": CONTACT}), _kept(contact_of)]
Picture = Annotated[
    Text,
    Field(
        max_length=_DATA_LENGTH,
        json_schema_extra={"pattern": r"^data:image/(png|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$"},
    ),
    _kept(_logo_of),
]


class BrandingRequest(Wire):
    """The whole branding: what is left out is set no longer."""

    name: (
        Annotated[Text, Field(min_length=1, max_length=MAX_NAME, json_schema_extra={"pattern": NAME}), _kept(name_of)]
        | None
    ) = None
    """Stands for the application's name on its links' pages."""
    accent: Annotated[Text, Field(json_schema_extra={"pattern": ACCENT}), _kept(accent_of)] | None = None
    """The brand's colour. Lightness and chroma are chosen so that everything stays readable, in both schemes."""
    logo: Picture | None = None
    """A PNG or SVG of at most 4 KB as a `data:` URL, drawn 28 pixels high beside the name."""
    dark_logo: Picture | None = None
    """Drawn instead of `logo` where the visitor's scheme is dark."""
    privacy_url: Contact | None = None
    """Linked in the footer; `https:` or `mailto:`."""
    support_url: Contact | None = None
    """Linked in the footer; `https:` or `mailto:`."""
    default_locale: Annotated[Text, Field(json_schema_extra={"pattern": LOCALE}), _kept(locale_of)] | None = None
    """The language of visitors who ask for none that the page has."""
    embed_origins: Annotated[
        list[Annotated[Text, Field(max_length=MAX_ORIGIN, json_schema_extra={"pattern": ORIGIN}), _kept(origin_of)]],
        Field(max_length=MAX_ORIGINS),
    ] = Field(default_factory=list)
    """Sites that may show the pages in an `<iframe>`: exact origins, `https:` save for localhost and 127.0.0.1."""

    def branding(self) -> Branding:
        return Branding(
            name=self.name,
            accent=self.accent,
            logo=self.logo,  # type: ignore[arg-type] - the validator makes one of the text
            dark_logo=self.dark_logo,  # type: ignore[arg-type] - likewise
            privacy_url=self.privacy_url,
            support_url=self.support_url,
            default_locale=self.default_locale,
            embed_origins=tuple(dict.fromkeys(self.embed_origins)),
        )
