"""The operations of `/openapi.json` about branding and embedding, and what they answer."""

from __future__ import annotations

from slotlink.web.branding_request import BrandingRequest
from slotlink.web.openapi_answers import array, exact, ref, text
from slotlink.web.openapi_operations import Json, Operation

_PATH = "/v1/slotlink/branding"
_MEMBERS = ("name", "accent", "logo", "dark_logo", "privacy_url", "support_url", "default_locale")
_GIVEN: Json = {
    "name": "Globex",
    "accent": "#0f766e",
    "privacy_url": "https://www.example.com/privacy",
    "support_url": "mailto:help@example.com",
    "default_locale": "en-GB",
    "embed_origins": ["https://www.example.com"],
}
_ANSWER: Json = {"branding": {**dict.fromkeys(_MEMBERS), **_GIVEN}}

BRANDING_ANSWERS: Json = {
    "Branding": exact(
        {
            **{name: {"type": ["string", "null"]} for name in _MEMBERS},
            "embed_origins": array(text()),
        },
        description="As it can be sent again; `null` is what is not set.",
    ),
    "BrandingAnswer": exact({"branding": ref("Branding")}),
}

BRANDING: list[Operation] = [
    Operation(
        "GET",
        _PATH,
        "readBranding",
        "Branding",
        "Read the branding",
        ("api_key",),
        answer="BrandingAnswer",
        answer_example=_ANSWER,
        faults=(401, 403),
    ),
    Operation(
        "PUT",
        _PATH,
        "replaceBranding",
        "Branding",
        "Set the branding",
        ("api_key",),
        "The whole of it: what is left out is set no longer. Pages show it at once.",
        body=BrandingRequest,
        example=_GIVEN,
        answer="BrandingAnswer",
        answer_example=_ANSWER,
        faults=(400, 401, 403, 413, 422),
    ),
]
