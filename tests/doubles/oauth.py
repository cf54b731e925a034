"""An OAuth 2.0 authorization server (RFC 6749, RFC 7636, RFC 7009) as the calendar providers have it.

Nobody clicks: `signed_in` is who sits at the browser, and `consents` what they answer. The provider's own habits
(paths, when a refresh token comes, what errors say) are arguments or overridden in its double.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from tests.doubles.oauth_claims import challenge, subject, unsigned_jwt
from tests.doubles.service import Asked, Service

CODE_S = 600


@dataclass
class Client:
    """An application, as it is registered with the provider."""

    id: str
    secret: str
    redirect_uris: tuple[str, ...]


@dataclass
class Grant:
    """What one person allowed one client. Dies by revocation, and every token of it with it."""

    user: str
    client_id: str
    scopes: frozenset[str]
    alive: bool = True
    refresh_tokens: list[str] = field(default_factory=list[str])


@dataclass
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str | None
    expires: float
    nonce: str | None
    offline: bool
    used: bool = False


@dataclass
class _Token:
    grant: Grant
    scopes: frozenset[str]
    expires: float


class AuthorizationServer:
    """Gives and takes tokens. Every method that a test calls takes the service's lock."""

    def __init__(self, service: Service, *, lifetime_s: int = 3600, rotates: bool = False) -> None:
        self._service = service
        self.lifetime_s = lifetime_s
        self.rotates = rotates  # every refresh gives a new refresh token, and the old one dies
        self.keeps_rotated = False  # it does not die
        self.refresh_limit = 100  # more of one grant than this: the oldest dies without a word
        self.unused_s: float | None = None  # a refresh token that nobody used for so long is dead
        self.signed_in = ""
        self.consents = True
        self.unticked: frozenset[str] = frozenset()  # scopes that the person refuses on the consent screen
        self.clients: dict[str, Client] = {}
        self.grants: list[Grant] = []
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Token] = {}
        self._refresh: dict[str, _Token] = {}

    def routes(self, *, authorize: str, token: str, revoke: str | None = None) -> Sequence[BaseRoute]:
        route = self._service.route
        found = [route(authorize, self._authorize, "GET"), route(token, self._token, "POST")]
        return [*found, route(revoke, self._revoke, "POST")] if revoke else found

    # What tests do.

    def register(self, client_id: str, secret: str, *redirect_uris: str) -> Client:
        self.clients[client_id] = Client(client_id, secret, redirect_uris)
        return self.clients[client_id]

    def tokens_for(self, user: str, scopes: Iterable[str], client_id: str) -> dict[str, str]:
        """An access token and a refresh token, without the journey through a browser."""
        with self._service.lock:
            grant = self._grant(user, client_id, frozenset(scopes))
            refresh = self._new_refresh(grant, grant.scopes)
            return {"access_token": self._new_access(grant, grant.scopes), "refresh_token": refresh}

    def revoke_grant(self, user: str, client_id: str | None = None) -> None:
        """The person takes the application's access away in the settings of the account."""
        with self._service.lock:
            for grant in self.grants:
                if grant.user == user and client_id in (None, grant.client_id):
                    grant.alive = False

    def forget_access_tokens(self) -> None:
        """All access tokens end before their time. Refresh tokens still work."""
        with self._service.lock:
            self._access.clear()

    # What the provider's API asks.

    def bearer(self, token: str | None) -> tuple[str, frozenset[str]] | None:
        """User and scopes of a good access token; None when it is unknown, expired or of a revoked grant."""
        found = self._access.get(token or "")
        if found is None or not found.grant.alive or found.expires <= self._service.clock.now:
            return None
        return found.grant.user, found.scopes

    # Habits of a provider, to be overridden.

    def gives_refresh_token(self, asked: dict[str, str], grant: Grant) -> bool:
        return "offline_access" in asked.get("scope", "").split()

    def token_error(self, status: int, error: str, description: str) -> Response:
        return JSONResponse({"error": error, "error_description": description}, status)

    def more_members(self, grant: Grant, scopes: frozenset[str], nonce: str | None) -> dict[str, str]:
        """What a token answer has beside the standard's members."""
        if "openid" not in scopes:
            return {}
        now = int(self._service.clock.now)
        claims = {"sub": subject(grant.user), "email": grant.user, "email_verified": True, "aud": grant.client_id}
        more = {
            "iss": self._service.url,
            "iat": now,
            "exp": now + self.lifetime_s,
            **({"nonce": nonce} if nonce else {}),
        }
        return {"id_token": unsigned_jwt({**claims, **more})}

    # The endpoints.

    def _authorize(self, asked: Asked) -> Response:
        query = asked.query
        client = self.clients.get(query.get("client_id", ""))
        redirect_uri = query.get("redirect_uri", "")
        if client is None:
            return HTMLResponse("Error 401: invalid_client", 401)
        if redirect_uri not in client.redirect_uris:  # exact match; never redirect to an address that is not known
            return HTMLResponse("Error 400: redirect_uri_mismatch", 400)
        state = {"state": query["state"]} if "state" in query else {}
        if query.get("response_type") != "code" or not query.get("scope"):
            return _sent_back(redirect_uri, {"error": "invalid_request", **state})
        if "code_challenge" in query and query.get("code_challenge_method") != "S256":
            return _sent_back(redirect_uri, {"error": "invalid_request", **state})
        if not self.consents or not self.signed_in:
            return _sent_back(redirect_uri, {"error": "access_denied", **state})
        scopes = frozenset(query["scope"].split()) - self.unticked
        known = any(grant.user == self.signed_in and grant.client_id == client.id for grant in self._living())
        grant = self._grant(self.signed_in, client.id, scopes)
        code = f"4/{secrets.token_urlsafe(24)}"
        self._codes[code] = _Code(
            grant,
            redirect_uri,
            query.get("code_challenge"),
            self._service.clock.now + CODE_S,
            query.get("nonce"),
            self.gives_refresh_token({**query, "known": "true" if known else ""}, grant),
        )
        return _sent_back(redirect_uri, {**state, "code": code, "scope": " ".join(sorted(scopes))})

    def _token(self, asked: Asked) -> Response:
        form = asked.call.form
        client_id, secret = _credentials(asked)
        client = self.clients.get(client_id)
        if client is None:
            return self.token_error(401, "invalid_client", "The OAuth client was not found.")
        if not secrets.compare_digest(client.secret, secret):
            return self.token_error(401, "invalid_client", "Unauthorized")
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._redeem(client, form)
        if kind == "refresh_token":
            return self._renew(client, form)
        return self.token_error(400, "unsupported_grant_type", f"Invalid grant_type: {kind or ''}")

    def _redeem(self, client: Client, form: dict[str, str]) -> Response:
        code = self._codes.get(form.get("code", ""))
        if code is None or code.grant.client_id != client.id or code.expires <= self._service.clock.now:
            return self.token_error(400, "invalid_grant", "Malformed auth code.")
        if code.used or not code.grant.alive:
            return self.token_error(400, "invalid_grant", "Bad Request")
        if form.get("redirect_uri") != code.redirect_uri:
            return self.token_error(400, "redirect_uri_mismatch", "Bad Request")
        if code.challenge is not None:
            if not form.get("code_verifier"):
                return self.token_error(400, "invalid_grant", "Missing code verifier.")
            if challenge(form["code_verifier"]) != code.challenge:
                return self.token_error(400, "invalid_grant", "Invalid code verifier.")
        code.used = True
        grant = code.grant
        answer = self._answer(grant, grant.scopes, code.nonce)
        if code.offline:
            answer["refresh_token"] = self._new_refresh(grant, grant.scopes)
        return JSONResponse(answer)

    def _renew(self, client: Client, form: dict[str, str]) -> Response:
        old = form.get("refresh_token", "")
        found = self._refresh.get(old)
        now = self._service.clock.now
        dead = found is None or not found.grant.alive or found.expires <= now or found.grant.client_id != client.id
        if found is None or dead:
            return self.token_error(400, "invalid_grant", "Token has been expired or revoked.")
        scopes = frozenset(form["scope"].split()) if form.get("scope") else found.scopes
        if not scopes <= found.scopes:
            return self.token_error(400, "invalid_scope", "Some requested scopes were not granted.")
        answer = self._answer(found.grant, scopes, None)
        if self.rotates:
            if not self.keeps_rotated:
                del self._refresh[old]
                found.grant.refresh_tokens.remove(old)
            answer["refresh_token"] = self._new_refresh(found.grant, found.scopes)
        else:
            found.expires = self._refresh_ends()
        return JSONResponse(answer)

    def _revoke(self, asked: Asked) -> Response:
        """Either kind of token ends the whole grant (RFC 7009 section 2.1)."""
        token = asked.call.form.get("token") or asked.query.get("token", "")
        found = self._access.get(token) or self._refresh.get(token)
        if found is None or not found.grant.alive:
            return self.token_error(400, "invalid_token", "Token expired or revoked")
        found.grant.alive = False
        return JSONResponse({})

    def _answer(self, grant: Grant, scopes: frozenset[str], nonce: str | None) -> dict[str, object]:
        return {
            "access_token": self._new_access(grant, scopes),
            "expires_in": self.lifetime_s,
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
            **self.more_members(grant, scopes, nonce),
        }

    def _living(self) -> list[Grant]:
        return [grant for grant in self.grants if grant.alive]

    def _grant(self, user: str, client_id: str, scopes: frozenset[str]) -> Grant:
        """One grant a person and client: to consent again adds scopes to it."""
        for grant in self._living():
            if (grant.user, grant.client_id) == (user, client_id):
                grant.scopes |= scopes
                return grant
        self.grants.append(Grant(user, client_id, scopes))
        return self.grants[-1]

    def _new_access(self, grant: Grant, scopes: frozenset[str]) -> str:
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self._access[token] = _Token(grant, scopes, self._service.clock.now + self.lifetime_s)
        return token

    def _new_refresh(self, grant: Grant, scopes: frozenset[str]) -> str:
        token = f"1//{secrets.token_urlsafe(32)}"
        self._refresh[token] = _Token(grant, scopes, self._refresh_ends())
        grant.refresh_tokens.append(token)
        if len(grant.refresh_tokens) > self.refresh_limit:
            del self._refresh[grant.refresh_tokens.pop(0)]
        return token

    def _refresh_ends(self) -> float:
        return float("inf") if self.unused_s is None else self._service.clock.now + self.unused_s


def _credentials(asked: Asked) -> tuple[str, str]:
    kind, _, value = asked.call.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        client_id, _, secret = base64.b64decode(value).decode().partition(":")
        return client_id, secret
    form = asked.call.form
    return form.get("client_id", ""), form.get("client_secret", "")


def _sent_back(redirect_uri: str, members: dict[str, str]) -> Response:
    glue = "&" if "?" in redirect_uri else "?"
    return RedirectResponse(f"{redirect_uri}{glue}{urlencode(members)}", 302)
