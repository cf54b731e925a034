"""How the pages of an application look, and who may embed them."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.accent import AccentNumbers, derive_numbers
from slotlink.domain.branding import Branding
from slotlink.domain.logo import Logo
from slotlink.store.tables import brandings, logos

Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class ShownLogo:
    """Where a logo is and how wide it is drawn, without the picture."""

    sha256: bytes
    media_type: str
    width: int


@dataclass(frozen=True, slots=True)
class ShownBranding:
    """What a page needs to know."""

    name: str | None
    accent: AccentNumbers | None
    logos: dict[Scheme, ShownLogo]
    privacy_url: str | None
    support_url: str | None
    default_locale: str | None
    embed_origins: tuple[str, ...]


async def find(connection: AsyncConnection, application_id: str) -> Branding | None:
    """None where nothing was ever set."""
    statement = select(brandings).where(brandings.c.application_id == application_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    found = await connection.execute(
        select(logos.c.scheme, logos.c.media_type, logos.c.content, logos.c.width).where(
            logos.c.application_id == application_id
        )
    )
    pictures = {each.scheme: Logo(each.media_type, base64.b64decode(each.content), each.width) for each in found}
    return Branding(
        accent=row.accent, logo=pictures.get("light"), dark_logo=pictures.get("dark"), **_plain_members(row)
    )


async def find_shown(connection: AsyncConnection, application_id: str) -> ShownBranding | None:
    """The same for a page, without the pictures: in one statement, as every page asks."""
    of_logos = (logos.c.scheme, logos.c.logo_sha256, logos.c.media_type, logos.c.width)
    rows = (
        await connection.execute(
            select(brandings, *of_logos)
            .outerjoin(logos, logos.c.application_id == brandings.c.application_id)
            .where(brandings.c.application_id == application_id)
        )
    ).all()
    if not rows:
        return None
    accent = rows[0].accent
    return ShownBranding(
        accent=None if accent is None else derive_numbers(accent),
        logos={row.scheme: ShownLogo(row.logo_sha256, row.media_type, row.width) for row in rows if row.scheme},
        **_plain_members(rows[0]),
    )


async def find_logo(connection: AsyncConnection, sha256: bytes) -> tuple[str, bytes] | None:
    """Media type and content of the picture with this digest, whosever it is: pages show it to everybody."""
    row = (
        await connection.execute(select(logos.c.media_type, logos.c.content).where(logos.c.logo_sha256 == sha256))
    ).first()
    return None if row is None else (row.media_type, base64.b64decode(row.content))


async def replace(connection: AsyncConnection, application_id: str, branding: Branding) -> None:
    """Write the whole of it. Whoever calls holds `applications.lock`."""
    values: dict[str, Any] = {
        "name": branding.name,
        "accent": branding.accent,
        "privacy_url": branding.privacy_url,
        "support_url": branding.support_url,
        "default_locale": branding.default_locale,
        "embed_origins": json.dumps(branding.embed_origins) if branding.embed_origins else None,
    }
    replaced = await connection.execute(
        update(brandings).where(brandings.c.application_id == application_id).values(**values)
    )
    if replaced.rowcount == 0:
        await connection.execute(insert(brandings).values(application_id=application_id, **values))
    await connection.execute(delete(logos).where(logos.c.application_id == application_id))
    for scheme, logo in (("light", branding.logo), ("dark", branding.dark_logo)):
        if logo is not None:
            await connection.execute(
                insert(logos).values(
                    application_id=application_id,
                    scheme=scheme,
                    logo_sha256=hashlib.sha256(logo.content).digest(),
                    media_type=logo.media_type,
                    width=logo.width,
                    content=base64.b64encode(logo.content).decode(),
                )
            )


def _plain_members(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """What is shown as it was set."""
    return {
        "name": row.name,
        "privacy_url": row.privacy_url,
        "support_url": row.support_url,
        "default_locale": row.default_locale,
        "embed_origins": tuple(json.loads(row.embed_origins or "[]")),
    }
