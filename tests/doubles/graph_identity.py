"""Microsoft's identity platform (v2.0) as an authorization server: its habits on top of oauth.py."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from starlette.responses import JSONResponse, Response

from tests.doubles.oauth import AuthorizationServer, Grant, subject, unsigned_jwt
from tests.doubles.service import Service

UNUSED_S = 90 * 86400.0  # fact: oauth.refresh-90-days
HIDDEN_SCOPES = {"offline_access"}

# What oauth.py says, in Microsoft's words: status, error, AADSTS number, message.
WORDS = {
    ("invalid_client", "The OAuth client was not found."): (
        400,
        "unauthorized_client",
        700016,
        "Application not found",
    ),
    ("invalid_client", "Unauthorized"): (401, "invalid_client", 7000215, "Invalid client secret provided."),
    ("invalid_grant", "Malformed auth code."): (400, "invalid_grant", 70008, "The provided code has expired."),
    ("invalid_grant", "Bad Request"): (400, "invalid_grant", 54005, "The code was already redeemed."),
    ("redirect_uri_mismatch", "Bad Request"): (400, "invalid_grant", 500112, "The reply address does not match."),
    ("invalid_grant", "Missing code verifier."): (400, "invalid_grant", 501481, "The Code_Verifier does not match."),
    ("invalid_grant", "Invalid code verifier."): (400, "invalid_grant", 501481, "The Code_Verifier does not match."),
    # fact: oauth.revoked
    ("invalid_grant", "Token has been expired or revoked."): (
        400,
        "invalid_grant",
        50173,
        "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
    ),
    ("invalid_scope", "Some requested scopes were not granted."): (
        400,
        "invalid_grant",
        65001,
        "The user or administrator has not consented to use the application.",
    ),
}


class MicrosoftAuthorization(AuthorizationServer):
    """A refresh gives a new refresh token. The old one still works, as Microsoft says, unless `keeps_rotated` is
    taken away: then a client that loses the new one is out."""

    def __init__(self, service: Service) -> None:
        super().__init__(service, lifetime_s=3599, rotates=True)  # fact: oauth.rotates
        self.keeps_rotated = True  # fact: oauth.old-refresh-works
        self.refresh_limit = 1_000_000
        self.unused_s = UNUSED_S

    def token_error(self, status: int, error: str, description: str) -> Response:  # fact: oauth.error-form
        fallback = (status, error, 900144, description)
        status, error, code, words = WORDS.get((error, description), fallback)
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        at = datetime.fromtimestamp(self.now, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        text = f"AADSTS{code}: {words} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}"
        body = {
            "error": error,
            "error_description": text,
            "error_codes": [code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={code}",
        }
        return JSONResponse(body, status)

    def more_members(self, grant: Grant, scopes: frozenset[str], nonce: str | None) -> dict[str, str]:
        """The scopes that Graph knows, and who signed in."""
        members = {"scope": " ".join(sorted(scopes - HIDDEN_SCOPES))}  # fact: oauth.scope-answer
        if "openid" not in scopes:  # fact: oauth.id-token
            return members
        claims: dict[str, object] = {
            "aud": grant.client_id,
            "iss": "https://login.microsoftonline.com/84bd8158-6d4d-4958-8b9f-9d6445542f95/v2.0",
            "sub": subject(grant.user),
            "oid": str(uuid.uuid5(uuid.NAMESPACE_DNS, grant.user)),
            "tid": "84bd8158-6d4d-4958-8b9f-9d6445542f95",
            "preferred_username": grant.user,
            "email": grant.user,
            "iat": int(self.now),
            "exp": int(self.now) + self.lifetime_s,
            **({"nonce": nonce} if nonce else {}),
        }
        return {**members, "id_token": unsigned_jwt(claims)}

    @property
    def now(self) -> float:
        return self._service.clock.now


def has_scope(granted: frozenset[str], wanted: set[str]) -> bool:
    """Scopes come bare or with the resource in front, and without case."""  # fact: scope.names
    return bool({scope.rpartition("/")[2].lower() for scope in granted} & wanted)
