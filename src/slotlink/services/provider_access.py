"""One profile's provider, for as long as something is asked of it; who is refused there is connected no longer."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from slotlink.connectors.base import Connector
from slotlink.domain.account import Profile
from slotlink.errors import AccessRevoked
from slotlink.services.channels import tell_profile
from slotlink.services.deps import Deps
from slotlink.services.provider_tokens import StoredTokens
from slotlink.services.providers import open_connector, read_stored
from slotlink.store import accounts, profiles, provider_credentials

_TYPED = ("address", "user", "password")

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@asynccontextmanager
async def access_to(deps: Deps, application_id: str, profile: Profile) -> AsyncGenerator[Connector]:
    """Raises AccessRevoked where the profile is connected no longer. Where the block raises it, it is so from then on,
    unless somebody has signed in anew meanwhile."""
    text = await _credentials(deps, application_id, profile)
    connector = _open(deps, application_id, profile, text)
    try:
        yield connector
    except AccessRevoked as error:
        await _end_access(deps, application_id, profile, text, str(error))
        raise
    finally:
        await connector.close()


async def _credentials(deps: Deps, application_id: str, profile: Profile) -> str:
    async with deps.database.reading() as connection:
        text = await provider_credentials.read_credentials(connection, deps.vault, application_id, profile.profile_id)
    if text is None:
        raise AccessRevoked("the profile is connected no longer")
    return text


def _open(deps: Deps, application_id: str, profile: Profile, text: str) -> Connector:
    return open_connector(
        deps.settings,
        profile.provider_name,
        read_stored(text),
        lambda: StoredTokens(deps, application_id, profile.profile_id, profile.provider_name),
    )


async def _end_access(deps: Deps, application_id: str, profile: Profile, used: str, reason: str) -> None:
    """Its calendars are unreadable until somebody connects it anew, which its application hears once."""
    async with deps.database.transaction() as connection:
        await accounts.lock(connection, application_id, [profile.sub])
        text = await provider_credentials.read_credentials(connection, deps.vault, application_id, profile.profile_id)
        if text is None or _typed(text) != _typed(used):
            return
        await profiles.disconnect(connection, application_id, profile, reason[:500])
        now = int(time.time())
        await tell_profile(deps, connection, application_id, profile.sub, "profile_disconnected", now)
    deps.wake_worker()
    log.warning("profile.disconnected", profile=profile.profile_id, sub=profile.sub, reason=reason)


def _typed(text: str) -> list[object]:
    """What somebody typed to sign in. Tokens are told apart where they are kept (provider_tokens)."""
    credentials = read_stored(text)
    return [credentials.get(name) for name in _TYPED]
