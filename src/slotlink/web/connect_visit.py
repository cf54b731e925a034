"""A visit to the connect page: whose application asks for what, or which profile is connected anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from itsdangerous import BadSignature
from starlette.requests import Request

from slotlink.domain.account import Application, Profile
from slotlink.errors import NotFound
from slotlink.services.authorization import Authorization, UnknownApplication, read_authorization
from slotlink.services.providers import Provider, offered
from slotlink.store import accounts, applications, profiles
from slotlink.web.state import WebState
from slotlink.web.visit import locale_of

AUTHORIZE, RELINK = "/oauth/authorize", "/oauth/relink/"
MAX_FIELDS = 100  # of a query string


@dataclass(frozen=True, slots=True)
class ConnectVisit:
    """`page` is its address from the root of our own. Either `authorization` says what an application asks for, or
    `profile` is to be connected anew. `provider` is chosen already, or None."""

    web: WebState
    application: Application
    page: str
    authorization: Authorization | None
    profile: Profile | None
    provider: Provider | None
    locale: str
    now: int

    @property
    def form_token(self) -> str:
        signed = self.web.form_signer.dumps(self._bound_to())
        return signed.decode() if isinstance(signed, bytes) else signed

    def token_fits(self, token: Any) -> bool:
        try:
            return self.web.form_signer.loads(str(token)) == self._bound_to()
        except BadSignature:
            return False

    def address(self, provider: Provider | None) -> str:
        """Of this page with that provider chosen, or with none."""
        path, _, query = self.page.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        if self.authorization is None:
            locale = [pair for pair in pairs if pair[0] == "locale"]
            return f"{self.web.base_path}{path}{'?' if locale else ''}{urlencode(locale)}"
        kept = [pair for pair in pairs if pair[0] != "provider_name"]
        chosen = [("provider_name", provider.provider_name)] if provider is not None else []
        return f"{self.web.base_path}{path}?{urlencode([*kept, *chosen])}"

    def _bound_to(self) -> list[str]:
        if self.authorization is None:
            return ["relink", self.application.application_id, self.profile.profile_id if self.profile else ""]
        asked = self.authorization
        return ["connect", self.application.application_id, asked.redirect_uri, asked.state or "", asked.scope]


async def open_page(request: Request, web: WebState, page: str) -> ConnectVisit | None:
    """The visit of this address from the root of our own; None where it leads nowhere.

    Raises UnknownApplication, AuthorizationRefused."""
    path, _, query = page.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise UnknownApplication("request", None) from error
    if path == AUTHORIZE:
        authorization = await read_authorization(web.deps, pairs, web.now())
        provider = offer(web).get(authorization.provider_name or "")
        locale = locale_of(request, dict(pairs))
        return ConnectVisit(web, authorization.application, page, authorization, None, provider, locale, web.now())
    found = await _relinked(web, path.removeprefix(RELINK)) if path.startswith(RELINK) else None
    if found is None:
        return None
    application, profile = found
    provider = offer(web).get(profile.provider_name)
    if provider is None:  # this deployment is no longer registered with it
        return None
    return ConnectVisit(web, application, page, None, profile, provider, locale_of(request, dict(pairs)), web.now())


def page_of(request: Request) -> str:
    """The address that was asked for, from the root of our own, as it was written."""
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def offer(web: WebState) -> Mapping[str, Provider]:
    return {provider.provider_name: provider for provider in offered(web.deps.settings)}


def relink_url(web: WebState, application_id: str, profile: Profile) -> str:
    """Where the owner of a disconnected profile connects it anew. Whoever else has it gets nowhere: only the same
    person at the same provider will do."""
    signed = web.form_signer.dumps(["profile", application_id, profile.profile_id])
    return f"{web.deps.settings.app_url}{RELINK}{signed.decode() if isinstance(signed, bytes) else signed}"


async def _relinked(web: WebState, signed: str) -> tuple[Application, Profile] | None:
    try:
        kind, application_id, profile_id = web.form_signer.loads(signed)
    except (BadSignature, TypeError, ValueError):
        return None
    if kind != "profile":
        return None
    try:
        async with web.deps.database.reading() as connection:
            application = await applications.get(connection, application_id)
            profile = await profiles.get_profile(connection, application_id, profile_id)
            account = await accounts.get(connection, application_id, profile.sub)
    except NotFound:
        return None
    return None if account.revoked or profile.remote_user is None else (application, profile)
