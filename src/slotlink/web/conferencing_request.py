"""The meeting room of an event, as clients ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, ValidationInfo

from slotlink.domain.event import INTEGRATED
from slotlink.web.wire import Fault, HttpUrl, ShortText, Text, Wire, WireContext, at_least_one

_KINDS = ("default", "explicit", "integrated", "none")


def _only_explicit(value: str | None, info: ValidationInfo) -> str | None:
    """Where no other room is asked for. What somebody sends beside that must not pass for the room that is made."""
    return value if info.data.get("profile_id") == "explicit" else None


class Conferencing(Wire):
    """`integrated`, or `default`: a room of the calendar's own provider, such as Google Meet. `explicit`: one of yours,
    by its `join_url`. `none`: no room."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"profile_id": {"enum": ["none", *INTEGRATED]}}},
                *at_least_one("join_url")["anyOf"],
            ]
        }
    )
    profile_id: Annotated[ShortText, Field(json_schema_extra={"enum": [*_KINDS]})]
    join_url: Annotated[HttpUrl | None, AfterValidator(_only_explicit)] = None
    """Of an `explicit` room; beside anything else it is ignored."""
    provider_description: Annotated[Text, Field(max_length=255)] | None = None
    """What people call it. Of an `integrated` room, the provider's name for it unless given."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        profile_id = raw.get("profile_id")
        if profile_id == "explicit" and "join_url" not in raw:
            yield (("join_url",), "errors.required", "join_url must be specified with explicit conferencing")
        elif isinstance(profile_id, str) and profile_id not in _KINDS:
            yield (("profile_id",), "errors.not_recognized", "must be integrated, default, explicit or none")
