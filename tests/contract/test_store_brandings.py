"""A branding is kept whole, on both engines, and goes with its application."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import delete

from slotlink.domain.accent import derive_numbers
from slotlink.domain.branding import Branding
from slotlink.domain.logo import Logo
from slotlink.store import applications, brandings
from slotlink.store.tables import applications as application_rows
from slotlink.store.tables import client_secrets
from tests.contract.store import NOW, Store

LIGHT, DARK = Logo("image/png", b"\x00light\xff", 28), Logo("image/svg+xml", b"<svg/>", 112)
WHOLE = Branding(
    name="Globex",
    accent="#ffd400",
    logo=LIGHT,
    dark_logo=DARK,
    privacy_url="https://www.example.com/privacy",
    support_url="mailto:help@example.com",
    default_locale="pt-BR",
    embed_origins=("https://www.example.com", "http://localhost:3000"),
)


@pytest.mark.parametrize(
    "branding",
    [WHOLE, Branding(), Branding(logo=LIGHT), Branding(accent="#0f766e"), Branding(embed_origins=("https://a.test",))],
    ids=["everything", "nothing", "a logo", "a colour", "an origin"],
)
async def test_it_is_read_as_it_was_written_in_place_of_any_other(store: Store, branding: Branding) -> None:
    own = store.application_id
    async with store.transaction() as connection:
        assert await brandings.find(connection, own) is None and await brandings.find_shown(connection, own) is None
        for written in (WHOLE, branding, branding):
            await brandings.replace(connection, own, written)
        assert await brandings.find(connection, own) == branding
        shown = await brandings.find_shown(connection, own)
    assert shown is not None
    assert shown.accent == (derive_numbers(branding.accent) if branding.accent else None)
    assert (shown.name, shown.default_locale) == (branding.name, branding.default_locale)
    assert (shown.privacy_url, shown.support_url) == (branding.privacy_url, branding.support_url)
    assert shown.embed_origins == branding.embed_origins
    pictures = {"light": branding.logo, "dark": branding.dark_logo}
    assert {scheme: logo.width for scheme, logo in shown.logos.items()} == {
        scheme: logo.width for scheme, logo in pictures.items() if logo
    }
    for scheme, logo in shown.logos.items():
        picture = pictures[scheme]
        assert picture is not None and logo.sha256 == hashlib.sha256(picture.content).digest()
        async with store.reading() as connection:
            assert await brandings.find_logo(connection, logo.sha256) == (picture.media_type, picture.content)


async def test_the_version_before_can_delete_an_application_that_has_one(store: Store) -> None:
    """It does not know these tables: their rows go with the application's."""
    async with store.transaction() as connection:
        application_id, _ = await applications.create(connection, store.vault, "Globex", NOW)
        own = Logo("image/png", application_id.encode(), 28)
        await brandings.replace(connection, application_id, Branding("Globex", logo=own))
        assert await brandings.find_logo(connection, hashlib.sha256(own.content).digest()) is not None
        for table in (client_secrets, application_rows):
            await connection.execute(delete(table).where(table.c.application_id == application_id))
        assert await brandings.find(connection, application_id) is None
        assert await brandings.find_logo(connection, hashlib.sha256(own.content).digest()) is None
