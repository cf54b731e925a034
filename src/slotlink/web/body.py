"""Request bodies and query strings to plain values, and models over them: bytes in, a checked model out.

Bounded before parsed: size, nesting and the form of numbers. Every wrong member is reported in one answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypeVar, cast
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request

from slotlink.errors import FieldError, InvalidRequest, MalformedRequest, RequestTooLarge
from slotlink.web.wire import Wire, WireContext

MAX_DEPTH = 32
MAX_DIGITS = 4300  # as Python has it, whatever its environment says: time grows with their square
MAX_FIELDS = 1000  # of a form or a query string
Json = dict[str, Any]
_NESTING = (dict, list)
# A text of JSON, to its end or the body's: each byte is looked at once, whatever it is (`*+` never goes back).
_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
Model = TypeVar("Model", bound=Wire)


async def read_body(request: Request, limit: int) -> bytes:
    """Raises RequestTooLarge before more than `limit` bytes are held, MalformedRequest when the rest never comes."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise RequestTooLarge(f"the body may have {limit} bytes")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise RequestTooLarge(f"the body may have {limit} bytes")
    except ClientDisconnect as error:
        raise MalformedRequest("the body ended too early") from error
    return bytes(body)


async def read_object(request: Request, limit: int, *, required: bool = False) -> Json:
    """The members of a JSON or form body; none for an empty one, unless one is `required`. `null` members are absent
    (section 1.2).

    Content-Encoding is ignored: the C# client declares compressions that it does not use. Raises MalformedRequest."""
    body = await read_body(request, limit)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return form_members(body)
    if not body.strip():
        if required:
            raise MalformedRequest("the body is missing; send {} to say that there is nothing")
        return {}
    members = parse_json(body)
    if not isinstance(members, dict):
        raise MalformedRequest("the body must be a JSON object")
    return without_nulls(members)


def parse_json(body: bytes) -> Any:
    """Raises MalformedRequest. Of members that have one name, the last counts."""
    if _nested_too_deep(body):
        raise MalformedRequest(f"the body may be nested {MAX_DEPTH} deep, and must close what it opens")
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_number, parse_int=_integer
        )
    except ValueError as error:
        raise MalformedRequest(f"the body is not JSON: {error}") from error


def _nested_too_deep(body: bytes) -> bool:
    """Looked at before parsing, so that nothing comes near a parser's stack. Takes time as the body is long."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _TEXTS.sub(b"", body).translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        left = brackets.replace(b"[]", b"")  # the innermost level goes
        if len(left) == len(brackets):
            break
        brackets = left
    return bool(brackets)


def form_members(body: bytes) -> Json:
    """Form members; `name[]` makes a list. Raises MalformedRequest."""
    try:
        return pairs_to_members(
            parse_qsl(body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        )
    except ValueError as error:
        raise MalformedRequest(f"the body is not a form: {error}") from error


def pairs_to_members(pairs: Iterable[tuple[str, str]]) -> Json:
    members: Json = {}
    for name, value in pairs:
        if name.endswith("[]"):
            members.setdefault(name[:-2], [])
            if isinstance(members[name[:-2]], list):
                members[name[:-2]].append(value)
        else:
            members[name] = value
    return members


def without_nulls(value: Any) -> Any:
    """Explicit null is the same as absent: several official clients send it."""
    if isinstance(value, list):
        return [without_nulls(item) if isinstance(item, _NESTING) else item for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {
            name: without_nulls(member) if isinstance(member, _NESTING) else member
            for name, member in cast("Json", value).items()
            if member is not None
        }
    return value


def check(model: type[Model], members: Mapping[str, Any], context: WireContext) -> Model:
    """Raises InvalidRequest with every wrong member by its path."""
    try:
        return model.model_validate(members, context=context)
    except ValidationError as error:
        fields: dict[str, list[FieldError]] = {}
        for fault in error.errors(include_url=False, include_input=False):
            path = path_of(fault["loc"])
            fields.setdefault(path, []).append(_field_error(fault["type"], path, fault["msg"], fault.get("ctx", {})))
        raise InvalidRequest(fields) from error


def path_of(location: Iterable[str | int]) -> str:
    """`("a", "b", 0, "c")` is `a.b[0].c`."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path or "base"


def _field_error(kind: str, path: str, message: str, context: Mapping[str, Any]) -> FieldError:
    name = path.rpartition(".")[2]
    if kind.startswith("errors."):
        return FieldError(kind, message)
    match kind:
        case "missing":
            return FieldError("errors.required", f"{name} must be specified")
        case "string_too_short" | "too_short":
            return FieldError("errors.required", f"{name} must not be empty")
        case "string_too_long":
            return FieldError("errors.too_long", f"{name} may have {context.get('max_length')} characters")
        case "too_long" if context.get("field_type") == "Value":  # a text behind a validator of ours
            return FieldError("errors.too_long", f"{name} may have {context.get('max_length')} characters")
        case "too_long":
            return FieldError("errors.too_many", f"{name} may have {context.get('max_length')} entries")
        case "literal_error":
            return FieldError("errors.not_recognized", f"{name} must be {context.get('expected')}")
        case "bool_type" | "bool_parsing":
            return FieldError("errors.must_be_boolean", "must be a boolean value, either true or false")
        case "greater_than_equal" | "less_than_equal" | "int_type" | "int_parsing" if context.get("ge") == 1:
            return FieldError("errors.must_be_integer_greater_than_zero", f"{name} must be an integer above zero")
        case _:
            return FieldError("errors.invalid_format", message.replace("Input should be", f"{name} must be"))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"{text[:20]}… has too many digits")
    return int(text)


def _number(text: str) -> int | float:
    """`60.0` is the integer 60, as JSON Schema has it: some encoders write every number so."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large a number")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
