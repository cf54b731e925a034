"""The OpenAPI 3.1 document: the models that check requests, the hand-written schemas of answers, and our table of
operations, put together for one deployment (its address and its limits)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from pydantic.json_schema import models_json_schema

from slotlink.settings import Limits
from slotlink.web.openapi_answers import ANSWERS, ref
from slotlink.web.openapi_branding import BRANDING, BRANDING_ANSWERS
from slotlink.web.openapi_calendars import CALENDARS
from slotlink.web.openapi_channels import CHANNEL_ANSWERS, CHANNELS
from slotlink.web.openapi_connecting import CONNECTING
from slotlink.web.openapi_operations import IDEMPOTENCY_KEY, TAGS, Credential, Operation
from slotlink.web.openapi_scheduling import SCHEDULING
from slotlink.web.wire import Wire

Json = dict[str, Any]
OPERATIONS = [*SCHEDULING, *CALENDARS, *CHANNELS, *CONNECTING, *BRANDING]

INTRODUCTION = """A self-hosted Real-Time Scheduling server whose HTTP API is Cronofy's.

Members of a body that are not listed here are ignored, and `null` is the same as absent. No text may hold the
character NUL or half of a surrogate pair. Times are ISO 8601 with `Z` or an offset and whole seconds, between 1900 and
2999; answers are always in UTC with `Z`."""

SECURITY_SCHEMES: Json = {
    "api_key": {
        "type": "http",
        "scheme": "bearer",
        "description": "The application's client secret. `slotlink applications create NAME` prints one.",
    },
    "access_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An account's access token, from `POST /v1/application_calendars` or `POST /oauth/token`.",
    },
}
BODY_CREDENTIALS = (
    "The application's. Both together authenticate, and any Authorization header is ignored; one alone is ignored."
)
HEADERS: Json = {
    "ETag": {"description": "Changes with the body.", "required": True, "schema": {"type": "string", "pattern": '^"'}},
    "Cache-Control": {"required": True, "schema": {"type": "string"}},
    "Pragma": {"required": True, "schema": {"const": "no-cache"}},
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "pattern": "^Bearer"}},
    "Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "Idempotent-Replayed": {
        "description": "An earlier answer to the same `Idempotency-Key`.",
        "required": False,
        "schema": {"const": "true"},
    },
    "Status": {
        "description": "Code and phrase once more; the Ruby client reads it.",
        "required": True,
        "schema": {"type": "string"},
    },
}
FAULTS = {
    400: "The body cannot be read: not JSON, not an object, nested too deeply.",
    401: "No credential, or one that nobody was given. No body.",
    403: "A known credential of the wrong kind, or a calendar that cannot be written. No body.",
    404: "Unknown, or not yours; the two are the same. No body.",
    409: "The request with this `Idempotency-Key` is still being answered. Ask again.",
    413: "The body is too large. No body.",
    422: "Members are wrong: all of them, each by its path.",
    429: "Too many requests from this application, where the operator limits them. No body.",
    503: "The database cannot be reached or written just now. Nothing was changed, "
    "unless it went away while committing: ask again. No body.",
}
EXAMPLE_ERRORS: Json = {
    "errors": {"event.summary": [{"key": "errors.required", "description": "summary must be specified"}]}
}


def build(api_url: str, data_center: str, limits: Limits) -> Json:
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, limits)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Slotlink",
            "summary": "Real-Time Scheduling, self-hosted",
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "version": "1",
        },
        "servers": [{"url": api_url, "description": f"Data center {data_center}"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {**_request_schemas(limits), **ANSWERS, **CHANNEL_ANSWERS, **BRANDING_ANSWERS},
            "headers": HEADERS,
            "responses": {_fault_name(code): _fault(code, "Errors") for code in FAULTS},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _operation(operation: Operation, limits: Limits) -> Json:
    described: Json = {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": [_security(credential) for credential in operation.credentials],
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    key = [IDEMPOTENCY_KEY] if operation.keyed else []
    parameters = [*operation.parameters, *_query_parameters(operation, limits), *key]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        content = {"schema": ref(operation.body.__name__), "example": operation.example}
        types = ["application/json", *(["application/x-www-form-urlencoded"] if operation.form else [])]
        described["requestBody"] = {"required": True, "content": dict.fromkeys(types, content)}
    return described


def _security(credential: Credential) -> Json:
    """Credentials in the body are members of its schema: OpenAPI has no scheme for them."""
    return {} if credential == "body" else {credential: []}


def _responses(operation: Operation) -> Json:
    success: Json = {"description": {200: "Done.", 202: "Accepted. No body."}[operation.ok]}
    headers = (*operation.headers, *(("Idempotent-Replayed",) if operation.keyed else ()))
    if headers:
        success["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    if operation.answer is not None:
        content: Json = {"schema": ref(operation.answer)}
        if operation.answer_example:
            content["example"] = operation.answer_example
        success["content"] = {"application/json": content}
    elif operation.ok == 200:
        success["description"] = "Done. No body."
    responses: Json = {str(operation.ok): success}
    if operation.not_modified:
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in operation.headers}
        responses["304"] = {"description": "Nothing has changed since that `ETag`. No body.", "headers": headers}
    for code in sorted((*operation.faults, *((409,) if operation.keyed else ()), 429, 503)):
        own = code == 400 and operation.refused != "Errors"
        responses[str(code)] = (
            _fault(code, operation.refused) if own else {"$ref": f"#/components/responses/{_fault_name(code)}"}
        )
    responses["414"] = {"description": "The address is too long to be read. No body."}  # said by `connection.py`
    return responses


def _fault_name(code: int) -> str:
    return HTTPStatus(code).phrase.replace(" ", "")


def _fault(code: int, schema: str) -> Json:
    named = {401: ("WWW-Authenticate",), **dict.fromkeys((409, 429, 503), ("Retry-After",))}.get(code, ())
    described: Json = {
        "description": FAULTS[code],
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in (*named, "Status")},
    }
    if code in (400, 409, 422):
        described["content"] = {"application/json": {"schema": ref(schema)}}
        if schema == "Errors" and code == 422:
            described["content"]["application/json"]["example"] = EXAMPLE_ERRORS
    return described


def _query_parameters(operation: Operation, limits: Limits) -> list[Json]:
    if operation.query is None:
        return []
    schema = _written_out(operation.query.model_json_schema(), limits)
    return [
        _query_parameter(name, schema["properties"][name], name in schema.get("required", ()))
        for name in operation.queries
    ]


def _query_parameter(name: str, schema: Json, required: bool) -> Json:
    schema = dict(schema)
    variants = [variant for variant in schema.pop("anyOf", []) if variant != {"type": "null"}]
    if len(variants) == 1:
        schema = variants[0] | schema
    elif variants:
        schema["anyOf"] = variants
    parameter: Json = {"in": "query", "name": name, "required": required}
    if "description" in schema:
        parameter["description"] = schema.pop("description")
    if "enum" in schema:  # a member that is refused
        schema["enum"] = [False]
    elif schema.get("type") == "array":
        parameter |= {"name": f"{name}[]", "style": "form", "explode": True}
    return parameter | {"schema": schema}


def _request_schemas(limits: Limits) -> Json:
    models: list[type[Wire]] = [operation.body for operation in OPERATIONS if operation.body is not None]
    _, generated = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: Json = {
        # A validator's inner value has no place on the wire.
        name: _written_out(schema, limits)
        for name, schema in generated["$defs"].items()
        if name != "WireEventTime"
    }
    for name in ("client_id", "client_secret"):
        schemas["LinkRequest"]["properties"][name] = {"description": BODY_CREDENTIALS}
    return schemas


def _written_out(schema: Any, limits: Limits) -> Any:
    """A generated schema made fit to read: limits and durations written out for this deployment, names that only
    repeat the member's dropped, and `null` allowed wherever a member may be absent."""
    if isinstance(schema, list):
        return [_written_out(item, limits) for item in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    given = cast("Json", schema)
    if "x-duration" in given:
        least, most = given["x-duration"]
        duration = _duration(least, most, limits)
        return {**duration, "description": f"{given.get('description', '')} {duration['description']}".strip()}
    plain = _plain(given, limits)
    if "x-limit" in plain:
        most = getattr(limits, plain.pop("x-limit"))
        plain["maxItems" if plain.get("type") == "array" else "maximum"] = most
    properties: Json | None = plain.get("properties")
    if plain.get("type") == "object" and properties is not None:
        required = plain.get("required", [])
        plain["properties"] = {
            name: member if name in required else _or_null(member) for name, member in properties.items()
        }
    return plain


def _plain(schema: Json, limits: Limits) -> Json:
    plain: Json = {}
    for name, value in schema.items():
        if name == "properties":
            plain[name] = {member: _written_out(inner, limits) for member, inner in value.items()}
        elif name in ("default", "examples", "enum", "const"):
            if name != "default" or (value is not None and not isinstance(value, dict)):
                plain[name] = value
        elif name != "title" or value == "Duration":
            plain[name] = _written_out(value, limits)
    return plain


def _or_null(schema: Json) -> Json:
    if not ({"type", "$ref", "const", "anyOf", "oneOf", "enum"} & schema.keys()):
        return schema  # anything goes, or it only forbids
    if "not" in schema or None in schema.get("enum", []):
        return schema
    kinds = schema.get("type")
    if {"type": "null"} in schema.get("anyOf", []) or (isinstance(kinds, list) and "null" in kinds):
        return schema
    about = {name: schema[name] for name in ("description", "default", "deprecated", "title") if name in schema}
    rest = {name: value for name, value in schema.items() if name not in about}
    return {**about, "anyOf": [*(rest["anyOf"] if rest.keys() == {"anyOf"} else [rest]), {"type": "null"}]}


def _duration(least: int, most_name: str, limits: Limits) -> Json:
    most = limits.notice_days * 24 * 60 if most_name == "notice_days" else getattr(limits, most_name)
    whole = {"type": "integer"}
    variants: list[Json] = [
        {
            "type": "object",
            "required": ["minutes"],
            "properties": {"minutes": {**whole, "minimum": least, "maximum": most}, "hours": {"enum": [0, None]}},
        },
        {"type": "integer", "minimum": least, "maximum": most},
    ]
    # Whole hours up to the limit leave room for any minutes but in the last of them.
    for least_hours, most_hours, most_minutes in (
        (min(least, 1), most // 60 - 1, 59),
        (most // 60, most // 60, most % 60),
    ):
        if least_hours <= most_hours and most >= 60:
            variants.insert(
                -1,
                {
                    "type": "object",
                    "required": ["hours"],
                    "properties": {
                        "hours": {**whole, "minimum": least_hours, "maximum": most_hours},
                        "minutes": {"anyOf": [{**whole, "minimum": 0, "maximum": most_minutes}, {"type": "null"}]},
                    },
                },
            )
    return {
        "title": "Duration",
        "description": f'{least} to {most} minutes: `{{"minutes": n}}`, `{{"hours": n, "minutes": below 60}}`, or a '
        "bare number of minutes.",
        "anyOf": variants,
    }
