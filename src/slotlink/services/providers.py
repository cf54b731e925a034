"""The register of calendar providers: how each is called, signed in to, and reached."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from slotlink.connectors.base import Connector, TokenSource
from slotlink.connectors.caldav import CalDavConnector
from slotlink.connectors.feed import FeedConnector
from slotlink.connectors.google import GoogleConnector
from slotlink.connectors.google_oauth import google_provider
from slotlink.connectors.graph import GraphConnector
from slotlink.connectors.guard import guarded_session, plain_session
from slotlink.connectors.oauth import Provider as SignIn
from slotlink.domain.addresses import parse_allowed
from slotlink.settings import Settings

Credentials = Mapping[str, Any]
MICROSOFT_ISSUER = "https://login.microsoftonline.com/{tenantid}/v2.0"
MICROSOFT_SCOPES = ("openid", "email", "profile", "offline_access", "Calendars.ReadWrite", "MailboxSettings.Read")


@dataclass(frozen=True, slots=True)
class Provider:
    """One kind of calendar, as the connect page offers it.

    provider_name  on the wire; the names that Cronofy uses where it has the provider too
    asks           what the person types: an address with user and app password, an address, or nothing here
    """

    provider_name: str
    title: str
    asks: Literal["password", "address", "elsewhere"]
    address: str | None = None  # known beforehand; None: the person types it
    writes: bool = True
    poll_s: int | None = None  # None: the setting


PROVIDERS: Mapping[str, Provider] = {
    each.provider_name: each
    for each in (
        Provider("google", "Google Calendar", "elsewhere"),
        Provider("office365", "Microsoft 365", "elsewhere"),
        Provider("apple", "Apple iCloud", "password", address="https://caldav.icloud.com"),
        Provider("caldav", "Another calendar server (CalDAV)", "password"),
        Provider("ics", "A calendar's address (iCalendar feed)", "address", writes=False, poll_s=900),
    )
}


def offered(settings: Settings) -> list[Provider]:
    """Those that this deployment can connect: Google and Microsoft once it is registered with them."""
    return [
        provider
        for provider in PROVIDERS.values()
        if provider.asks != "elsewhere" or sign_in_of(settings, provider.provider_name) is not None
    ]


def sign_in_of(settings: Settings, provider_name: str) -> SignIn | None:
    """How people sign in there by OAuth; None where they do not, or the deployment is not registered."""
    match provider_name:
        case "google" if settings.google_client_id:
            elsewhere = settings.google_oauth_url
            hosts = {"accounts_url": elsewhere, "oauth_url": elsewhere} if elsewhere else {}
            return google_provider(settings.google_client_id, settings.google_client_secret, **hosts)
        case "office365" if settings.microsoft_client_id:
            login = f"{settings.microsoft_login_url}/oauth2/v2.0"
            return SignIn(
                authorize_url=f"{login}/authorize",
                token_url=f"{login}/token",
                revoke_url=None,
                client_id=settings.microsoft_client_id,
                client_secret=settings.microsoft_client_secret,
                scopes=MICROSOFT_SCOPES,
                issuers=(MICROSOFT_ISSUER,),
                extra={"prompt": "select_account"},
            )
        case _:
            return None


def open_connector(
    settings: Settings, provider_name: str, credentials: Credentials, tokens: Callable[[], TokenSource]
) -> Connector:
    """A connector over a session of its own, which its `close` ends.

    credentials  address, user, password; or address; of the others the token source has them"""
    deadline = settings.calendar_timeout
    if provider_name == "google":
        return GoogleConnector(plain_session(), tokens(), api_url=settings.google_api_url, deadline=deadline)
    if provider_name == "office365":
        return GraphConnector(plain_session(), tokens(), graph_url=settings.microsoft_graph_url, deadline=deadline)
    session = guarded_session(parse_allowed(settings.calendar_allow), "SLOTLINK_CALENDAR_ALLOW")
    if provider_name == "ics":
        return FeedConnector(session, credentials["address"], deadline=deadline)
    address, user, password = (credentials[name] for name in ("address", "user", "password"))
    return CalDavConnector(session, address, user, password, deadline=deadline)


def read_stored(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])


def to_store(credentials: Credentials) -> str:
    return msgspec.json.encode(credentials).decode()
