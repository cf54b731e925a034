"""Application calendars, tokens and calendars, as clients send them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from slotlink.web.event_request import Color
from slotlink.web.wire import Fault, ShortText, Text, Wire, WireContext, at_least_one

Secret = Annotated[Text, Field(min_length=1, max_length=512)]


class ApplicationCalendarRequest(Wire):
    client_id: Secret
    client_secret: Secret
    application_calendar_id: ShortText
    """Yours. The same id again is the same account."""


def for_grant(grant_type: str, *names: str) -> dict[str, Any]:
    """JSON Schema for a body of this grant, which needs all of these members."""
    given = {name: {"not": {"type": "null"}} for name in names}  # null is absent
    return {"required": list(names), "properties": {"grant_type": {"const": grant_type}, **given}}


class TokenRequest(Wire):
    """RFC 6749 sections 4.1.3 and 6: a code, or a refresh token. Every member is checked by the endpoint, which
    answers in that RFC's own form."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                for_grant("refresh_token", "refresh_token"),
                for_grant("authorization_code", "code", "redirect_uri"),
            ]
        }
    )
    client_id: Secret
    client_secret: Secret
    grant_type: Annotated[Text, Field(json_schema_extra={"enum": ["authorization_code", "refresh_token"]})]
    refresh_token: Secret | None = None
    code: Secret | None = None
    """From the redirect that ended `/oauth/authorize`. Good for ten minutes, once."""
    redirect_uri: Annotated[Text, Field(max_length=2000)] | None = None
    """With a code: the very one of the request that it answers."""
    code_verifier: Annotated[Text, Field(max_length=512)] | None = None
    """With a code, when its request had a `code_challenge` (RFC 7636)."""


class RevokeRequest(Wire):
    """By `token` (the Node client says `refresh_token`), or by `sub`; the token wins."""

    model_config = ConfigDict(json_schema_extra=at_least_one("token", "refresh_token", "sub"))
    client_id: Secret
    client_secret: Secret
    token: Secret | None = None
    refresh_token: Secret | None = None
    """The same as `token`."""
    sub: ShortText | None = None
    """The account, in place of one of its tokens."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if not ({"token", "refresh_token", "sub"} & raw.keys()):
            yield (("token",), "errors.required", "token or sub must be specified")


class CalendarRequest(Wire):
    profile_id: ShortText
    """From `GET /v1/profiles`."""
    name: ShortText
    """Must differ from the others of the profile."""
    color: Color | None = None
