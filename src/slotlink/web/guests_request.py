"""Who is invited to an event, as clients say it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from slotlink.web.wire import Text, Wire, fault

MOST_NAMED = 200  # in one list
LONGEST_EMAIL = 254  # characters: no mail server takes more (RFC 5321 section 4.5.3.1.3)
EMAIL = r"^[^@\s]+@[^@\s]+$"


def _email(value: str) -> str:
    if not re.fullmatch(EMAIL, value):
        raise fault("errors.invalid_email", "must be an e-mail address such as maya@example.com")
    return value


Email = Annotated[
    Text,
    Field(max_length=LONGEST_EMAIL, examples=["maya@example.com"]),
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "maxLength": LONGEST_EMAIL, "pattern": EMAIL}),
]


class Guest(Wire):
    email: Email
    display_name: Annotated[Text, Field(max_length=255)] | None = None


def _changes(value: Any) -> Any:
    """An empty list is sent for nobody at all."""
    return None if value == [] else value


class GuestChanges(Wire):
    """Who is invited, and who no longer. Everybody else stays, with the answer they gave."""

    invite: Annotated[list[Guest], Field(max_length=MOST_NAMED)] | None = None
    remove: Annotated[list[Guest], Field(max_length=MOST_NAMED)] | None = None
    reject: Annotated[list[Guest], Field(max_length=MOST_NAMED)] | None = None
    """Another name of `remove`."""

    def named(self) -> dict[str, Any]:
        """`invite` and `remove`, without what is empty."""
        removed = [*(self.remove or []), *(self.reject or [])]
        both = {"invite": self.invite or [], "remove": removed}
        return {
            name: [each.model_dump(exclude_none=True) for each in people] for name, people in both.items() if people
        }


class _OrEmptyList:
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "array", "maxItems": 0}]}


Attendees = Annotated[GuestChanges | None, BeforeValidator(_changes), _OrEmptyList()]
