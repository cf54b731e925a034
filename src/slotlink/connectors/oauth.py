"""Signing in to a calendar provider: the client's side of OAuth 2.0 (RFC 6749, 7009, 7636) and of OpenID Connect Core.

What is read from answers is read by plain functions; `exchange`, `refresh` and `revoke` send. Tokens, codes and secrets
stand in no message.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast
from urllib.parse import urlencode

import aiohttp

from slotlink.connectors.json_answers import Answer, read_object, send
from slotlink.errors import AccessRevoked, ConnectorError, NotAccepted, ProviderUnavailable

DEADLINE_S = 10.0  # for one exchange with a token endpoint
MOST_BYTES = 200_000  # of its answer
LIFETIME_S = 3600
"""Of an access token whose answer does not say (RFC 6749 5.1 only recommends it)."""

_CLOCKS_APART_S = 120  # an id_token that ended so recently is good
_TOKEN = re.compile("[\x20-\x7e]{1,16384}")  # RFC 6749 A.12, A.17
_CODE = re.compile("[a-z0-9_]{1,60}")
_TENANT = re.compile("[0-9A-Za-z-]{1,64}")
_ASK_THE_OWNER = (
    "invalid_grant",  # expired, revoked, used already
    "access_denied",
    "interaction_required",  # Microsoft: the person has to be there
    "login_required",
    "consent_required",
)
_OPERATORS: Mapping[str, str] = {
    "invalid_client": "the client id or the client secret is wrong, or the secret has expired",
    "unauthorized_client": "the client id is unknown there, or the client is not allowed to sign people in",
    "deleted_client": "the client was deleted at the provider",
    "disabled_client": "the client was disabled at the provider",
    "redirect_uri_mismatch": "our callback address is not registered with the client at the provider",
    "invalid_scope": "a scope that we ask for is not enabled for the client at the provider",
    "invalid_request": "the client at the provider is of another kind than a web application, or its address is wrong",
    "unsupported_grant_type": "the token address is not that of an OAuth 2.0 provider",
}


@dataclass(frozen=True, slots=True)
class Provider:
    """`issuers`: who may have written an id_token; `{tenantid}` stands for its `tid`, as Microsoft documents it.

    `extra`: more members of the authorization request, such as access_type and prompt."""

    authorize_url: str
    token_url: str
    revoke_url: str | None
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    issuers: tuple[str, ...]
    extra: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in. `subject` never changes and is the provider's; `email` and `name` may, and may be empty."""

    subject: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires_in`: seconds from now. `refresh_token` is None where the one before stays good (or none was given).

    `scopes` are those that were granted, which may be fewer than were asked for: people can untick them."""

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(repr=False)
    scopes: frozenset[str]
    identity: Identity | None


def pkce() -> tuple[str, str]:
    """A new verifier and its challenge (RFC 7636 4.1, 4.2: S256)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorize_url(
    provider: Provider, redirect_uri: str, state: str, challenge: str, nonce: str, login_hint: str | None = None
) -> str:
    """Where the browser is sent."""
    query = {
        **provider.extra,
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(provider.scopes),
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "nonce": nonce,
        **({"login_hint": login_hint} if login_hint else {}),
    }
    return f"{provider.authorize_url}{'&' if '?' in provider.authorize_url else '?'}{urlencode(query)}"


async def exchange(
    session: aiohttp.ClientSession,
    provider: Provider,
    code: str,
    redirect_uri: str,
    verifier: str,
    nonce: str,
    *,
    now: float | None = None,
) -> Tokens:
    """The tokens for a code, which is good once. Raises AccessRevoked, NotAccepted, ProviderUnavailable."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier}
    answer = await _ask_token(session, provider, form)
    return read_tokens(answer, provider, nonce, time.time() if now is None else now)


async def refresh(session: aiohttp.ClientSession, provider: Provider, refresh_token: str) -> Tokens:
    """A new access token, and sometimes a new refresh token, to be kept before anything else is done: the old one may
    be dead by then. `identity` is None. Raises AccessRevoked, NotAccepted, ProviderUnavailable."""
    answer = await _ask_token(session, provider, {"grant_type": "refresh_token", "refresh_token": refresh_token})
    return read_tokens(answer, provider)


async def revoke(session: aiohttp.ClientSession, provider: Provider, token: str) -> None:
    """End the grant that the token is of (RFC 7009). Nothing where the provider has no such call; that the token is
    dead already is no fault. Raises NotAccepted, ProviderUnavailable."""
    if provider.revoke_url is None:
        return
    answer = await _post(session, provider.revoke_url, {"token": token})
    if answer.status // 100 == 2 or (answer.status == 400 and _said(answer)[0] in ("invalid_token", "invalid_grant")):
        return
    raise refusal(answer)


def read_tokens(answer: Answer, provider: Provider, nonce: str | None = None, now: float = 0) -> Tokens:
    """What the token endpoint answered (RFC 6749 5.1). With a nonce its id_token is read as well."""
    if answer.status != 200:
        raise refusal(answer)
    body = read_object(answer.body)
    access, renewing, kind = body.get("access_token"), body.get("refresh_token"), body.get("token_type", "Bearer")
    lifetime, scope, id_token = body.get("expires_in", LIFETIME_S), body.get("scope"), body.get("id_token")
    if not isinstance(access, str) or not _TOKEN.fullmatch(access):
        _no_answer("has no access token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        _no_answer("has an access token of another kind")
    if renewing is not None and not (isinstance(renewing, str) and _TOKEN.fullmatch(renewing)):
        _no_answer("has a refresh token that is none")
    if not re.fullmatch("[0-9]{1,9}", str(lifetime)):  # some give a string
        _no_answer("does not say for how long the token is good")
    if scope is not None and not isinstance(scope, str):
        _no_answer("has scopes that are none")
    identity = None
    if nonce is not None and id_token is not None:
        identity = read_identity(id_token, provider, nonce, now)
    granted = frozenset(provider.scopes if scope is None else scope.split())  # none named: as asked for
    return Tokens(access, int(str(lifetime)), renewing, granted, identity)


def read_identity(id_token: object, provider: Provider, nonce: str, now: float) -> Identity:
    """The claims of an id_token that came straight from the token endpoint over TLS, which is why its signature is not
    checked (OpenID Connect Core 3.1.3.7 rule 6). Raises ProviderUnavailable."""
    claims = _claims(id_token)
    tenant = claims.get("tid")
    tenant = tenant if isinstance(tenant, str) and _TENANT.fullmatch(tenant) else None
    issuers = {each.replace("{tenantid}", tenant or "") for each in provider.issuers if tenant or "{" not in each}
    if _text(claims, "iss") not in issuers:
        _no_answer("has an id_token of another issuer")
    audience: object = claims.get("aud")
    several = cast("list[object]", audience) if isinstance(audience, list) else [audience]
    authorized: object = claims.get("azp")
    if provider.client_id not in several or authorized not in (
        (provider.client_id,) if len(several) > 1 else (None, provider.client_id)
    ):
        _no_answer("has an id_token for another client")
    ends = claims.get("exp")
    if isinstance(ends, bool) or not isinstance(ends, int | float) or ends + _CLOCKS_APART_S <= now:
        _no_answer("has an id_token that is over")
    if not nonce or claims.get("nonce") != nonce:
        _no_answer("has an id_token of another sign-in")
    subject = _text(claims, "sub")
    if not subject:
        _no_answer("has an id_token of nobody")
    email = _text(claims, "email") or _text(claims, "preferred_username")
    return Identity(subject, email if "@" in email else "", _text(claims, "name"))


def refusal(answer: Answer) -> ConnectorError:
    """What an answer of the token or the revocation endpoint means that is not the one hoped for (RFC 6749 5.2)."""
    if answer.status in (400, 401, 403):
        error, number = _said(answer)
        if error in _ASK_THE_OWNER:
            return AccessRevoked(f"the sign-in is no longer good: {error}{number}")
        if error in _OPERATORS:
            return NotAccepted(f"the provider refuses to sign anybody in: {_OPERATORS[error]} ({error}{number})")
        if error:
            return ProviderUnavailable(f"the provider answered {answer.status}: {error}{number}", answer.retry_after)
    return ProviderUnavailable(f"the provider answered {answer.status}", answer.retry_after)


async def _ask_token(session: aiohttp.ClientSession, provider: Provider, form: Mapping[str, str]) -> Answer:
    client = {"client_id": provider.client_id, "client_secret": provider.client_secret}
    return await _post(session, provider.token_url, {**form} | {name: value for name, value in client.items() if value})


async def _post(session: aiohttp.ClientSession, url: str, form: Mapping[str, str]) -> Answer:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(form, errors="replace").encode()
    return await send(
        session,
        "POST",
        url,
        data=body,
        headers=kind,
        seconds=DEADLINE_S,
        most_bytes=MOST_BYTES,
        too_large=ProviderUnavailable,  # some page of a proxy: a token endpoint never says so much
    )


def _said(answer: Answer) -> tuple[str, str]:
    """The error's code, and Microsoft's number for it where there is one; empty where the body is none."""
    try:
        body = read_object(answer.body)
    except ProviderUnavailable:
        return "", ""
    error, numbers = body.get("error"), body.get("error_codes")
    number = cast("list[object]", numbers)[0] if isinstance(numbers, list) and numbers else None
    named = error if isinstance(error, str) and _CODE.fullmatch(error) else ""
    return named, f", AADSTS{number}" if isinstance(number, int) and not isinstance(number, bool) else ""


def _claims(id_token: object) -> dict[str, Any]:
    parts = id_token.split(".") if isinstance(id_token, str) else []
    if len(parts) != 3:
        _no_answer("has an id_token that is none")
    try:
        claims = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_", validate=True)
    except ValueError:
        _no_answer("has an id_token that is none")
    return read_object(claims)


def _text(claims: Mapping[str, object], name: str) -> str:
    value = claims.get(name)
    return value[:320] if isinstance(value, str) else ""


def _no_answer(why: str) -> NoReturn:
    raise ProviderUnavailable(f"the provider's answer {why}")
