"""Google as a provider of sign-ins (developers.google.com/identity/protocols/oauth2/web-server)."""

from __future__ import annotations

from slotlink.connectors.oauth import Provider

_SCOPE = "https://www.googleapis.com/auth/"
SCOPES = (
    "openid",
    "email",
    _SCOPE + "calendar.calendarlist.readonly",  # calendar.events alone cannot list calendars
    _SCOPE + "calendar.events",
)


def google_provider(
    client_id: str,
    client_secret: str,
    *,
    accounts_url: str = "https://accounts.google.com",
    oauth_url: str = "https://oauth2.googleapis.com",
) -> Provider:
    """A refresh token comes for offline access only, and after the first consent only where the person is asked again.

    Both addresses are arguments so that tests take the same path as everybody."""
    return Provider(
        authorize_url=f"{accounts_url}/o/oauth2/v2/auth",
        token_url=f"{oauth_url}/token",
        revoke_url=f"{oauth_url}/revoke",
        client_id=client_id,
        client_secret=client_secret,
        scopes=SCOPES,
        # Both forms are in use (developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken).
        issuers=(accounts_url, accounts_url.removeprefix("https://")),
        extra={"access_type": "offline", "prompt": "consent"},
    )
