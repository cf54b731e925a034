"""Access tokens of providers: one refresh at a time for each profile, over all processes, and none is used before what
came with it is stored: a provider may have ended the old refresh token by then."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import structlog

from slotlink.connectors import oauth
from slotlink.connectors.guard import plain_session
from slotlink.errors import AccessRevoked, NotFound, ProviderUnavailable, StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.services.providers import read_stored, sign_in_of, to_store
from slotlink.store import provider_credentials

LEASE_S = 30  # longer than oauth.DEADLINE_S: whoever died is followed by another
WAIT_S = 12.0  # for somebody else's refresh
LOOK_EVERY_S = 0.1
AHEAD_S = 60  # a token that ends as soon is as good as over

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def credentials_of(tokens: oauth.Tokens, now: int, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """What is stored of the provider's answer. A refresh token that was not renewed stays."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token or (before or {}).get("refresh_token"),
        "expires_at": now + tokens.expires_in,
        "scopes": sorted(tokens.scopes),
    }


class StoredTokens:
    """The tokens of one profile. A `TokenSource`."""

    def __init__(self, deps: Deps, application_id: str, profile_id: str, provider_name: str) -> None:
        self._deps = deps
        self._application_id = application_id
        self._profile_id = profile_id
        self._provider_name = provider_name

    async def access_token(self, refused: str | None = None) -> str:
        try:
            async with asyncio.timeout(WAIT_S):
                return await self._access_token(refused)
        except TimeoutError as error:
            raise ProviderUnavailable("another process has been renewing the access token for too long") from error
        except StoreUnavailable as error:
            raise ProviderUnavailable("the access token cannot be kept: the database is away") from error

    async def _access_token(self, refused: str | None) -> str:
        while True:
            now = int(time.time())
            stored = await self._stored()
            if stored["access_token"] != refused and now + AHEAD_S < stored["expires_at"]:
                return stored["access_token"]
            async with self._deps.database.transaction() as connection:
                ours = await provider_credentials.lease_refresh(
                    connection, self._application_id, self._profile_id, now, LEASE_S
                )
            if ours:
                # Whoever waits may be out of time; what the provider gives for a token that is over then is kept.
                renewing = asyncio.create_task(self._refresh(stored, now + LEASE_S))
                _RENEWING.add(renewing)
                renewing.add_done_callback(_ended)
                return await asyncio.shield(renewing)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _refresh(self, seen: dict[str, Any], leased: int) -> str:
        """Under the lease. Whoever held it before may have been quicker: what is stored is read again."""
        kept = False
        try:
            stored = await self._stored()
            if stored["access_token"] != seen["access_token"]:
                return stored["access_token"]
            try:
                renewed = await self._renew(stored)
            except AccessRevoked:
                current = await self._stored()
                if current["refresh_token"] == stored["refresh_token"]:
                    raise
                return current["access_token"]  # somebody has signed in anew meanwhile
            text = to_store(credentials_of(renewed, int(time.time()), stored))
            async with self._deps.database.transaction() as connection:
                kept = await provider_credentials.keep_renewed(
                    connection, self._deps.vault, self._application_id, self._profile_id, text, leased
                )
            if not kept:  # somebody has signed in anew: that counts
                return (await self._stored())["access_token"]
            log.info("profile.token_renewed", profile=self._profile_id)
            return renewed.access_token
        finally:
            if not kept:
                async with self._deps.database.transaction() as connection:
                    await provider_credentials.end_refresh(connection, self._application_id, self._profile_id, leased)

    async def _renew(self, stored: dict[str, Any]) -> oauth.Tokens:
        sign_in = sign_in_of(self._deps.settings, self._provider_name)
        if sign_in is None:
            raise ProviderUnavailable(f"this deployment is not registered with {self._provider_name} any more")
        if not stored["refresh_token"]:
            raise AccessRevoked("the provider gave no refresh token, and the access token is over")
        async with plain_session() as session:
            return await oauth.refresh(session, sign_in, stored["refresh_token"])

    async def _stored(self) -> dict[str, Any]:
        try:
            async with self._deps.database.reading() as connection:
                text = await provider_credentials.read_credentials(
                    connection, self._deps.vault, self._application_id, self._profile_id
                )
        except NotFound:
            text = None
        if text is None:
            raise AccessRevoked("the profile is connected no longer")
        return read_stored(text)


_RENEWING: set[asyncio.Task[str]] = set()  # the loop itself keeps no task alive


def _ended(renewing: asyncio.Task[str]) -> None:
    _RENEWING.discard(renewing)
    if not renewing.cancelled():
        renewing.exception()  # told to whoever waits, where somebody still does
