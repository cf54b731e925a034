"""The way to a provider where people sign in by OAuth, and back: who left with which state, and what they bring."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

import msgspec

from slotlink.connectors import oauth
from slotlink.connectors.guard import plain_session
from slotlink.errors import AccessRevoked, ConnectorError, ProviderUnavailable
from slotlink.services.deps import Deps
from slotlink.services.provider_tokens import credentials_of
from slotlink.services.providers import PROVIDERS, sign_in_of
from slotlink.services.sign_in import ConnectRefused, SignedIn, sign_in
from slotlink.store import authorizations
from slotlink.vault import digest

CALLBACK_PATH = "/oauth/callback"
_OPTIONAL = {"openid", "email", "profile", "offline_access", "mailboxsettings.read"}  # nobody's calendar needs them
_DENIED = ("access_denied", "consent_required", "interaction_required", "login_required", "user_cancelled")
_AWAY = ("server_error", "temporarily_unavailable")


class UnknownSignIn(Exception):
    """Nobody left with this state from this browser, or too long ago, or they are back already."""


class _Kept(msgspec.Struct):
    """`page`: the address, from the root of the application's own, that the person left from."""

    provider_name: str
    page: str
    verifier: str
    nonce: str
    browser: str  # a digest, in hex


@dataclass(frozen=True, slots=True)
class Returned:
    """Somebody who is back from the provider."""

    provider_name: str
    page: str
    verifier: str
    nonce: str


async def leave(deps: Deps, application_id: str, provider_name: str, page: str, browser: str, now: int) -> str:
    """The provider's address to send the browser to. `browser`: what its cookie will show again."""
    provider = sign_in_of(deps.settings, provider_name)
    if provider is None:
        raise ConnectRefused("misconfigured", f"this deployment is not registered with {provider_name}")
    verifier, challenge = oauth.pkce()
    state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    kept = _Kept(provider_name, page, verifier, nonce, digest(browser).hex())
    async with deps.database.transaction() as connection:
        await authorizations.keep_sign_in(
            connection, deps.vault, application_id, state, msgspec.json.encode(kept).decode(), now
        )
    return oauth.authorize_url(provider, callback_uri(deps), state, challenge, nonce)


async def come_back(deps: Deps, state: str, browser: str, now: int) -> Returned:
    """Who left with this state, once. Raises UnknownSignIn."""
    async with deps.database.transaction() as connection:
        found = await authorizations.find_sign_in(connection, deps.vault, state, now)
        if found is None:
            raise UnknownSignIn("no sign-in has this state")
        kept = msgspec.json.decode(found.request, type=_Kept)
        # Checked first: whoever was sent an address with somebody else's state does not end their sign-in.
        if not hmac.compare_digest(kept.browser, digest(browser).hex()):
            raise UnknownSignIn("another browser left with this state")
        if not await authorizations.end_sign_in(connection, found.application_id, found.sign_in_id):
            raise UnknownSignIn("the sign-in has ended")
    return Returned(kept.provider_name, kept.page, kept.verifier, kept.nonce)


async def finish(deps: Deps, returned: Returned, code: str, now: int) -> SignedIn:
    """Who signed in, and their calendars. Raises ConnectRefused."""
    provider = sign_in_of(deps.settings, returned.provider_name)
    if provider is None:
        raise ConnectRefused("misconfigured", f"this deployment is not registered with {returned.provider_name}")
    try:
        async with plain_session() as session:
            tokens = await oauth.exchange(
                session, provider, code, callback_uri(deps), returned.verifier, returned.nonce, now=now
            )
    except AccessRevoked as error:
        raise ConnectRefused("expired", str(error)) from error
    except ProviderUnavailable as error:
        raise ConnectRefused("no_answer", str(error)) from error
    except ConnectorError as error:
        raise ConnectRefused("misconfigured", str(error)) from error
    missing = _names(provider.scopes) - _names(tokens.scopes) - _OPTIONAL
    if missing:
        raise ConnectRefused("missing_scopes", f"not granted: {' '.join(sorted(missing))}")
    if tokens.identity is None:
        raise ConnectRefused("misconfigured", "the provider does not say who signed in: the scope openid is missing")
    if tokens.refresh_token is None:
        raise ConnectRefused("misconfigured", "the provider gave no refresh token: offline access is not enabled")
    return await sign_in(deps, PROVIDERS[returned.provider_name], credentials_of(tokens, now), tokens.identity)


def refused_by_provider(error: str) -> ConnectRefused:
    """What the provider sent instead of a code (RFC 6749 section 4.1.2.1)."""
    named = error if error.isascii() and error.replace("_", "").isalnum() and len(error) < 60 else "no error code"
    if error in _DENIED:
        return ConnectRefused("denied", f"the provider said {named}")
    return ConnectRefused("no_answer" if error in _AWAY else "misconfigured", f"the provider said {named}")


def callback_uri(deps: Deps) -> str:
    """What has to be registered with the providers."""
    return f"{deps.settings.app_url}{CALLBACK_PATH}"


def _names(scopes: tuple[str, ...] | frozenset[str]) -> set[str]:
    """Microsoft names scopes bare or with the resource in front, in any case."""
    return {scope.rpartition("/")[2].lower() for scope in scopes}
