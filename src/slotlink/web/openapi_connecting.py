"""The operations of `/openapi.json` about connected accounts. The page of `/oauth/authorize` is for browsers, not here:
docs/connect.md."""

from __future__ import annotations

from slotlink.web.openapi_operations import Operation, parameter

_PROFILE_ID = parameter("path", "profile_id", "A profile of this account.", "pro_66a4c1f20e5b8d7793c1a2b6")

CONNECTING: list[Operation] = [
    Operation(
        "POST",
        "/v1/profiles/{profile_id}/revoke",
        "revokeProfile",
        "Accounts",
        "Disconnect a profile",
        ("access_token",),
        "Forgets the sign-in and everything that was read with it. The account and its other profiles stay. Not for "
        "application calendars: 403.",
        parameters=(_PROFILE_ID,),
        ok=202,
        faults=(401, 403, 404),
    ),
    Operation(
        "POST",
        "/v1/link_tokens",
        "createLinkToken",
        "Accounts",
        "Let another profile be connected to this account",
        ("access_token",),
        "Give it to `/oauth/authorize` as `link_token`, within five minutes, once. Not for application calendars: 403.",
        answer="LinkToken",
        answer_example={"link_token": "q0Xr1Yt5Vb2M"},
        headers=("Cache-Control", "Pragma"),
        faults=(401, 403, 404),
    ),
]
