"""An application's request to reach somebody's calendars: read, answered with a code, the code changed for tokens
(RFC 6749 section 4.1, RFC 7636, RFC 9700)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import structlog

from slotlink.domain.account import Account, Application, Profile
from slotlink.errors import NotAllowed, NotFound, TokenRefused
from slotlink.services.deps import Deps
from slotlink.services.providers import offered
from slotlink.services.watching import stop_watching
from slotlink.store import accounts, applications, authorizations, profiles, tokens
from slotlink.store.profiles import EMBEDDED_PROVIDER

# calendars.md section 2.1: those that are documented, and those that only the clients' defaults name.
SCOPES = (
    "create_calendar",
    "read_events",
    "create_event",
    "delete_event",
    "read_free_busy",
    "change_participation_status",
    "read_account",
    "list_calendars",
)
STATE_LENGTH = 2000
_CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")  # of S256
_VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")
_VISIBLE = re.compile("[\x20-\x7e]*")
_ASKED_ONCE = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class UnknownApplication(Exception):
    """No such application, or not its redirect URI: nobody is sent anywhere. `reason`: client_id or redirect_uri."""

    def __init__(self, reason: str, application_id: str | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.application_id = application_id


class AuthorizationRefused(Exception):
    """The application asks wrongly, and is told so at `address`, its own (RFC 6749 section 4.1.2.1)."""

    def __init__(self, error: str, description: str, address: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.address = address


@dataclass(frozen=True, slots=True)
class Authorization:
    """What an application asks for. `provider_name` is what it prefers, among those on offer."""

    application: Application
    redirect_uri: str
    scope: str
    state: str | None
    provider_name: str | None
    code_challenge: str | None
    link_token: str | None

    def back(self, **members: str) -> str:
        """Where the person is sent with the answer."""
        return _with_members(self.redirect_uri, self.state, members)


@dataclass(frozen=True, slots=True)
class Granted:
    account: Account
    profile: Profile
    access_token: str
    refresh_token: str
    scope: str


async def read_authorization(deps: Deps, pairs: Sequence[tuple[str, str]], now: int) -> Authorization:
    """The request of these query members. Raises UnknownApplication, AuthorizationRefused."""
    asked = {name: value for name, value in pairs if value}
    repeated = {name for name, count in Counter(name for name, _ in pairs).items() if count > 1}
    application, redirect_uri = await _trusted(deps, asked, repeated)
    state = asked.get("state")

    def refused(error: str, description: str) -> AuthorizationRefused:
        members = {"error": error, "error_description": description}
        return AuthorizationRefused(error, description, _with_members(redirect_uri, state, members))

    if repeated.intersection(_ASKED_ONCE):
        raise refused("invalid_request", "each parameter may be given once")
    if "response_type" not in asked:
        raise refused("invalid_request", "response_type must be specified")
    if asked["response_type"] != "code":
        raise refused("unsupported_response_type", "response_type must be code")
    if len(state or "") > STATE_LENGTH:
        state = None
        raise refused("invalid_request", f"state may have {STATE_LENGTH} characters")
    scopes = list(dict.fromkeys(asked.get("scope", "").split()))
    if not scopes or not set(scopes) <= set(SCOPES):
        raise refused("invalid_scope", f"scope must name some of: {' '.join(SCOPES)}")
    challenge = asked.get("code_challenge")
    if challenge is None and "code_challenge_method" in asked:
        raise refused("invalid_request", "code_challenge must be specified")
    if challenge is not None and asked.get("code_challenge_method") != "S256":
        raise refused("invalid_request", "code_challenge_method must be S256")
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        raise refused("invalid_request", "code_challenge must be the base64url of a SHA-256")
    link_token = asked.get("link_token")
    if link_token is not None:
        if asked.get("avoid_linking", "false").lower() == "true":
            raise refused("invalid_request", "avoid_linking and link_token exclude each other")
        async with deps.database.reading() as connection:
            if not await authorizations.find_link_token(connection, application.application_id, link_token, now):
                raise refused("invalid_request", "link_token is unknown, used or over")
    preferred = asked.get("provider_name")
    known = {provider.provider_name for provider in offered(deps.settings)}
    return Authorization(
        application,
        redirect_uri,
        " ".join(scopes),
        state,
        preferred if preferred in known else None,
        challenge,
        link_token,
    )


async def _trusted(deps: Deps, asked: dict[str, str], repeated: set[str]) -> tuple[Application, str]:
    client_id, redirect_uri = asked.get("client_id", ""), asked.get("redirect_uri", "")
    if "client_id" in repeated or not _VISIBLE.fullmatch(client_id):
        raise UnknownApplication("client_id", None)
    async with deps.database.reading() as connection:
        try:
            application = await applications.get(connection, client_id)
        except NotFound as error:
            raise UnknownApplication("client_id", None) from error
        if (
            "redirect_uri" in repeated
            or not _VISIBLE.fullmatch(redirect_uri)
            or not await authorizations.has_redirect_uri(connection, client_id, redirect_uri)
        ):
            raise UnknownApplication("redirect_uri", client_id)
    return application, redirect_uri


async def grant(deps: Deps, authorization: Authorization, profile: Profile, now: int) -> str:
    """The address that the person goes back to, with a code for this profile's account."""
    async with deps.database.transaction() as connection:
        code = await authorizations.issue_code(
            connection,
            authorization.application.application_id,
            profile.sub,
            profile.profile_id,
            redirect_uri=authorization.redirect_uri,
            scope=authorization.scope,
            code_challenge=authorization.code_challenge,
            now=now,
        )
    log.info("grant.allowed", application=authorization.application.application_id, sub=profile.sub)
    return authorization.back(code=code)


async def exchange_code(
    deps: Deps, application_id: str, code: str, redirect_uri: str | None, verifier: str | None, now: int
) -> Granted:
    """Tokens for a code, once. Raises TokenRefused."""
    granted = None
    async with deps.database.transaction() as connection:
        found = await authorizations.find_code(connection, application_id, code)
        if found is not None and found.used_at is not None:
            # Somebody has it who should not, or the application sent it twice: nobody can tell (RFC 6749 4.1.2).
            await accounts.lock(connection, application_id, [found.sub])
            ended = await authorizations.end_tokens_of_code(connection, application_id, found)
            log.warning("grant.code_used_twice", application=application_id, sub=found.sub, ended_tokens=ended)
        elif found is not None and _may_have(found, redirect_uri, verifier, now):
            try:
                account = await accounts.lock_living(connection, application_id, found.sub)
                profile = await profiles.get_profile(connection, application_id, found.profile_id)
            except NotFound as error:
                raise TokenRefused("invalid_grant") from error
            await authorizations.note_code_used(connection, application_id, code, now)
            issued = await authorizations.issue_tokens(connection, application_id, found.sub, found.scope, now)
            granted = Granted(account, profile, *issued, found.scope)
    if granted is None:
        raise TokenRefused("invalid_grant")
    log.info("grant.opened", application=application_id, sub=granted.account.sub)
    return granted


def _may_have(code: authorizations.Code, redirect_uri: str | None, verifier: str | None, now: int) -> bool:
    if code.expires_at <= now or redirect_uri != code.redirect_uri:
        return False
    if code.code_challenge is None:
        return verifier is None  # one that was never announced: somebody put another request in its place (RFC 9700)
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        return False
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(challenge, code.code_challenge)


async def refresh(deps: Deps, application_id: str, refresh_token: str, now: int) -> tuple[str, str]:
    """A new access token for a living refresh token, and its scope. Raises TokenRefused."""
    async with deps.database.transaction() as connection:
        found = await authorizations.find_refresh(connection, application_id, refresh_token, now)
        if found is None:
            raise TokenRefused("invalid_grant")
        try:
            await accounts.lock_living(connection, application_id, found.sub)
        except NotFound as error:
            raise TokenRefused("invalid_grant") from error
        # Held now; a revoke may have come first.
        if await authorizations.find_refresh(connection, application_id, refresh_token, now) is None:
            raise TokenRefused("invalid_grant")
        await tokens.prolong(connection, application_id, refresh_token, now)
        access_token = await authorizations.issue_access(connection, application_id, found.sub, found.scope, now)
    log.info("grant.refreshed", application=application_id, sub=found.sub)
    return access_token, found.scope


async def issue_link_token(deps: Deps, application_id: str, sub: str, now: int) -> str:
    """For the next profile of a connected account. Raises NotFound; NotAllowed for an embedded account."""
    async with deps.database.transaction() as connection:
        await accounts.lock_living(connection, application_id, sub)
        if any(
            profile.provider_name == EMBEDDED_PROVIDER
            for profile in await profiles.list_profiles(connection, application_id, sub)
        ):
            raise NotAllowed("an application calendar has one profile, its own")
        return await authorizations.issue_link_token(connection, application_id, sub, now)


async def revoke_profile(deps: Deps, application_id: str, sub: str, profile_id: str) -> None:
    """Forget one sign-in and what was read with it; the account and its other profiles stay.

    Raises NotFound; NotAllowed for an embedded account."""
    async with deps.database.reading() as connection:
        own = {each.profile_id for each in await profiles.list_profiles(connection, application_id, sub)}
    if profile_id in own:
        await stop_watching(deps, application_id, profile_id)
    async with deps.database.transaction() as connection:
        await accounts.lock_living(connection, application_id, sub)
        listed = {each.profile_id: each for each in await profiles.list_profiles(connection, application_id, sub)}
        if profile_id not in listed:
            raise NotFound(f"no profile {profile_id}")
        if listed[profile_id].provider_name == EMBEDDED_PROVIDER:
            raise NotAllowed("an application calendar is revoked as a whole, by POST /oauth/token/revoke")
        await profiles.remove(connection, application_id, listed[profile_id])
    deps.wake_worker()
    log.info("profile.revoked", application=application_id, sub=sub, profile=profile_id)


def _with_members(redirect_uri: str, state: str | None, members: dict[str, str]) -> str:
    """The very address that was registered, with more in its query."""
    added = urlencode(members | ({"state": state} if state is not None else {}))
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{added}"
