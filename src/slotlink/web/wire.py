"""The wire's own types: times, durations, texts, zones and addresses, as pydantic fields that speak our error keys."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError

from slotlink.domain.addresses import Allowed, is_allowed, is_internal, literal_address
from slotlink.settings import Limits

# Years that times may lie in: wide enough for any calendar, narrow enough for every zone's arithmetic.
FIRST_YEAR, LAST_YEAR = 1900, 2999
MAX_URL = 2048

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.0+)?\s?(Z|z|UTC|[+-]\d\d:?\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x20\x7f]")
# Names as they stand in a header: the page's policy names the redirect's host. International ones come as xn--…
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")


@dataclass(frozen=True, slots=True)
class WireContext:
    """What checking a body needs to know of the deployment."""

    limits: Limits
    callback_allow: tuple[Allowed, ...] = ()


Fault = tuple[tuple[str | int, ...], str, str]  # location, key, description
_AS_GOOD_AS_ABSENT: tuple[Any, ...] = (None, False, [], {}, "")


def _as_good_as_absent(value: Any) -> bool:
    return any(value == nothing and type(value) is type(nothing) for nothing in _AS_GOOD_AS_ABSENT)  # 0 is something


class Wire(BaseModel):
    """A body or a part of one. Unknown members are ignored; types are not bent; faults across members are reported
    together with those of single members."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, use_attribute_docstrings=True)
    unbuilt: ClassVar[Mapping[str, str]] = {}  # members we understand and do not do yet: name → what to do instead

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        """Faults that need more than one member. `raw` is as sent."""
        return ()

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core_schema))
        for name, reason in cls.unbuilt.items():
            harmless = [False] if name in cls.model_fields else list(_AS_GOOD_AS_ABSENT)
            refused = {"description": f"Refused with `errors.not_supported`: {reason}.", "enum": harmless}
            schema.setdefault("properties", {})[name] = refused
        return schema

    @model_validator(mode="wrap")
    @classmethod
    def _all_faults(cls, raw: Any, handler: ModelWrapValidatorHandler[Any], info: ValidationInfo) -> Any:
        if not isinstance(raw, dict) or not (cls.unbuilt or cls.cross_check.__func__ is not _NOTHING_ACROSS):
            return handler(raw)
        members = cast("dict[str, Any]", raw)
        faults = [
            *cls.cross_check(members, context_of(info)),
            *(
                ((name,), "errors.not_supported", reason)
                for name, reason in cls.unbuilt.items()
                if not _as_good_as_absent(_flag(members.get(name)))
            ),
        ]
        try:
            checked = handler(members)
        except ValidationError as error:
            if not faults:
                raise
            lines = [
                InitErrorDetails(type=PydanticCustomError(*_kept(line)), loc=line["loc"], input=None)
                for line in error.errors(include_url=False, include_input=False)
            ]
            raise ValidationError.from_exception_data(cls.__name__, [*lines, *map(_details, faults)]) from error
        if faults:
            raise ValidationError.from_exception_data(cls.__name__, [_details(fault) for fault in faults])
        return checked


_NOTHING_ACROSS = Wire.cross_check.__func__


def _kept(line: ErrorDetails) -> tuple[Any, ...]:
    """An error to be raised anew, with its context: `body.check` reads both."""
    context = {name: value for name, value in line.get("ctx", {}).items() if name != "error"}
    return (line["type"], line["msg"].replace("{", "{{").replace("}", "}}"), context)


def context_of(info: ValidationInfo) -> WireContext:
    return cast("WireContext", info.context)


def _details(fault: Fault) -> InitErrorDetails:
    location, key, description = fault
    # pydantic asks for literal strings, as texts of people must not become templates; ours name no places to fill.
    return InitErrorDetails(type=PydanticCustomError(key, description), loc=location, input=None)  # type: ignore[arg-type]


def fault(key: str, description: str) -> PydanticCustomError:
    return PydanticCustomError(key, description)  # type: ignore[arg-type] - as above


def parse_time(value: Any) -> int:
    """UTC seconds of an ISO 8601 time with an offset. A space may stand for the T (C#); fractions must be zero."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise fault("errors.invalid_format", "must be a time such as 2027-03-09T14:00:00Z, with Z or an offset")
    offset = match[7]
    offset = "+00:00" if offset in ("Z", "z", "UTC") else f"{offset[:3]}:{offset[-2:]}"
    try:
        year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
        instant = datetime.fromisoformat(
            f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}"
        ).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise fault("errors.invalid_format", "no such time; check month, day, hour and offset") from error
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise fault("errors.invalid_format", f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return int(instant.timestamp())


def parse_date(value: Any) -> date:
    try:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            raise ValueError(value)
        day = date.fromisoformat(value)
    except ValueError as error:
        raise fault("errors.must_be_date", "must be a date such as 2027-03-09") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise fault("errors.must_be_date", f"must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return day


def parse_duration(value: Any) -> int:
    """Seconds of `{"minutes": n}` and/or `{"hours": n}`, or of a bare number of minutes."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 60
    if not isinstance(value, dict) or not ({"minutes", "hours"} & cast("dict[str, Any]", value).keys()):
        raise fault("errors.invalid_format", 'must be a duration such as {"minutes": 30}')
    members = cast("dict[str, Any]", value)
    hours, minutes = members.get("hours", 0), members.get("minutes", 0)
    if any(isinstance(part, bool) or not isinstance(part, int) for part in (hours, minutes)):
        raise fault("errors.invalid_format", "minutes and hours must be whole numbers")
    if hours and minutes >= 60:
        raise fault("errors.invalid_format", "minutes must be below 60 when hours are given")
    if hours < 0 or minutes < 0:
        raise fault("errors.invalid_format", "a duration cannot be negative")
    return (hours * 60 + minutes) * 60


def duration_between(value: Any, least_minutes: int, most_minutes: int) -> int:
    seconds = parse_duration(value)
    if not least_minutes * 60 <= seconds <= most_minutes * 60:
        raise fault("errors.invalid_format", f"must be between {least_minutes} and {most_minutes} minutes")
    return seconds


@cache
def zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(value: str) -> str:
    if value not in zone_names():
        raise fault("errors.tzid_unrecognized", "TZID not recognized; use a name such as Europe/London or Etc/UTC")
    return value


def _printable(value: str) -> str:
    if "\x00" in value:
        raise fault("errors.invalid_format", "must not contain the character NUL")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise fault("errors.invalid_format", "must not contain half of a surrogate pair")
    return value


def _printable_ascii(value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise fault("errors.invalid_format", "must be printable ASCII; use letters, digits, spaces and punctuation")
    return value


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_sane = urlsplit(""), False
    if (
        parts.scheme.lower() not in ("http", "https")
        or not parts.hostname
        or not port_is_sane
        or not _AUTHORITY.fullmatch(parts.netloc)
        or "\\" in value
        or _CONTROL.search(value)
    ):
        raise fault("errors.invalid_format", "must be an absolute http or https URL, without user name and spaces")
    return value


_CODE = ("javascript:", "data:", "vbscript:")


def without_code(value: str) -> str:
    """An address that is handed on to calendars: it must not run anything where somebody opens it. Browsers skip spaces
    and control characters in front of and inside the scheme."""
    if "".join(character for character in value[:200] if character > " ").lower().startswith(_CODE):
        raise fault("errors.invalid_format", "must be the address of a page, not code to run")
    return value


def _callback_url(value: str, info: ValidationInfo) -> str:
    parts = urlsplit(_http_url(value))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    address = literal_address(host)
    internal = is_internal(address) if address else host.rstrip(".").lower().rpartition(".")[2] == "localhost"
    if internal and not is_allowed(context_of(info).callback_allow, host, address, port):
        raise fault(
            "errors.not_supported",
            "callbacks do not go to internal addresses unless SLOTLINK_CALLBACK_ALLOW lists them",
        )
    return value


def _flag(value: Any) -> Any:
    """Query strings and forms spell booleans; the Python client with a capital."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


Time = Annotated[int, BeforeValidator(parse_time), WithJsonSchema({"type": "string", "format": "date-time"})]
Text = Annotated[str, AfterValidator(_printable)]
ShortText = Annotated[Text, Field(min_length=1, max_length=255)]
# The id under which an application keeps something of an account (section 4).
OwnId = Annotated[
    str,
    AfterValidator(_printable_ascii),
    Field(min_length=1, max_length=64, json_schema_extra={"pattern": "^[ -~]*$"}),
]
Tzid = Annotated[str, AfterValidator(_zone), Field(description="IANA time zone name", examples=["Europe/London"])]
_URL_SCHEMA = {
    "type": "string",
    "format": "uri",
    "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://([^\x00-\x20\x7f\\/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?"
    r"([/?#][^\x00-\x20\x7f\\]*)?$",
    "maxLength": MAX_URL,
}
HttpUrl = Annotated[Text, Field(max_length=MAX_URL), AfterValidator(_http_url), WithJsonSchema(_URL_SCHEMA)]
CallbackUrl = Annotated[Text, Field(max_length=MAX_URL), AfterValidator(_callback_url), WithJsonSchema(_URL_SCHEMA)]
Flag = Annotated[bool, BeforeValidator(_flag)]


def duration_schema(least_minutes: int, most: str) -> WithJsonSchema:
    """For a duration whose upper bound is the limit of this name; `openapi.py` writes it out for the deployment."""
    return WithJsonSchema({"x-duration": [least_minutes, most]})


def at_least_one(*names: str) -> dict[str, Any]:
    """JSON Schema for a body that needs one of these members."""
    return {"anyOf": [_given(name) for name in names]}


def exactly_one(*names: str) -> dict[str, Any]:
    return {"oneOf": [_given(name) for name in names]}


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}  # null is absent
