"""How the pages of an application look, and who may embed them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from slotlink.domain.branding import Branding
from slotlink.domain.logo import Logo
from slotlink.errors import InvalidRequest
from slotlink.services.deps import Deps
from slotlink.store import applications, brandings


async def read_branding(deps: Deps, application_id: str) -> Branding:
    """Raises NotFound."""
    async with deps.database.reading() as connection:
        await applications.get(connection, application_id)
        return await brandings.find(connection, application_id) or Branding()


async def change_branding(deps: Deps, application_id: str, change: Callable[[Branding], Branding]) -> Branding:
    """What `change` makes of what is set, written as a whole. Raises NotFound, InvalidRequest."""
    async with deps.database.transaction() as connection:
        await applications.get(connection, application_id)
        await applications.lock(connection, application_id)
        branding = change(await brandings.find(connection, application_id) or Branding())
        if branding.dark_logo is not None and branding.logo is None:
            raise InvalidRequest.of("logo", "errors.required", "a logo for dark needs one for light beside it")
        await brandings.replace(connection, application_id, branding)
    return branding


def given(branding: Branding) -> dict[str, Any]:
    """As it is sent and answered: the same again changes nothing."""
    return {
        "name": branding.name,
        "accent": branding.accent,
        "logo": _data_url(branding.logo),
        "dark_logo": _data_url(branding.dark_logo),
        "privacy_url": branding.privacy_url,
        "support_url": branding.support_url,
        "default_locale": branding.default_locale,
        "embed_origins": list(branding.embed_origins),
    }


def _data_url(logo: Logo | None) -> str | None:
    """RFC 2397."""
    return None if logo is None else f"data:{logo.media_type};base64,{base64.b64encode(logo.content).decode()}"
