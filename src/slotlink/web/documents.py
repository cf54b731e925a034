"""`/openapi.json`, and `/docs`: the same document for people."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from slotlink.settings import Limits
from slotlink.web import openapi
from slotlink.web.render import JSON_TYPE
from slotlink.web.state import state_of

Json = dict[str, Any]
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
CREDENTIALS = {
    "api_key": "API key",
    "access_token": "access token",
    "body": "client_id and client_secret in the body",
}
_BEARERS = {"api_key": "$API_KEY", "access_token": "$ACCESS_TOKEN"}
_CODE = re.compile(r"`([^`]+)`")


async def show_openapi(request: Request) -> Response:
    document, _ = _of(request)
    return Response(document, media_type=JSON_TYPE, headers={"Cache-Control": "no-cache"})


async def show_docs(request: Request) -> Response:
    _, page = _of(request)
    return HTMLResponse(page, headers=HEADERS)


def _of(request: Request) -> tuple[bytes, str]:
    web = state_of(request)
    settings = web.deps.settings
    return _written(settings.api_url, settings.app_url, settings.data_center, settings.limits)


@lru_cache(maxsize=8)
def _written(api_url: str, app_url: str, data_center: str, limits: Limits) -> tuple[bytes, str]:
    """Both forms of the document. They never change while the server runs."""
    document = openapi.build(api_url, data_center, limits)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = _prose
    page = environment.get_template("docs.html").render(
        document=document,
        api_url=api_url,
        app_url=app_url,
        data_center=data_center,
        groups=[
            {
                **tag,
                "operations": [
                    _operation(document, path, method, described)
                    for path, methods in document["paths"].items()
                    for method, described in methods.items()
                    if tag["name"] in described["tags"]
                ],
            }
            for tag in document["tags"]
        ],
        schemes=document["components"]["securitySchemes"],
        faults=[
            (code, HTTPStatus(code).phrase, text, code == 400 or code == 422) for code, text in openapi.FAULTS.items()
        ],
        example_errors=_json(openapi.EXAMPLE_ERRORS),
    )
    return msgspec.json.encode(document), page


def _prose(text: str) -> Markup:
    """Text with `code` in it."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped above


def _operation(document: Json, path: str, method: str, described: Json) -> Json:
    content: Json = described.get("requestBody", {}).get("content", {})
    schema: Json = next(iter(content.values()))["schema"] if content else {}
    credentials = [next(iter(requirement), "body") for requirement in described["security"]]
    return {
        **described,
        "path": path,
        "method": method.upper(),
        "credentials": [CREDENTIALS[name] for name in credentials],
        "parameters": [
            {**_member(document, parameter["schema"]), **parameter} for parameter in described.get("parameters", ())
        ],
        "members": _members(document, schema),
        "body_types": list(content),
        "choice": _choice(document, schema),
        "curl": _curl(document["servers"][0]["url"], path, method, described, content, credentials[0]),
        "answers": [_answer(document, code, answer) for code, answer in described["responses"].items()],
    }


def _answer(document: Json, code: str, answer: Json) -> Json:
    answer = _resolved(document, answer)
    content: Json = answer.get("content", {}).get("application/json", {})
    return {
        "code": code,
        "phrase": HTTPStatus(int(code)).phrase,
        "description": answer["description"],
        "headers": list(answer.get("headers", ())),
        "members": _members(document, content.get("schema", {})) if code == "200" else [],
        "example": _json(content["example"]) if code == "200" and "example" in content else "",
    }


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for step in schema["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}


def _shown(document: Json, schema: Json) -> Json:
    """What a reader wants to see of a schema: without `null`, which is the same as absent."""
    schema = _resolved(document, schema)
    variants = [variant for variant in schema.get("anyOf", ()) if variant != {"type": "null"}]
    if len(variants) == 1 and "properties" not in schema:
        about = {name: value for name, value in schema.items() if name != "anyOf"}
        inner = _shown(document, variants[0])
        texts = dict.fromkeys(text for text in (about.get("description"), inner.get("description")) if text)
        return {**inner, **about, "description": " ".join(texts)}
    return schema


def _members(document: Json, schema: Json) -> list[Json]:
    """The members of an object, or of the objects in a list; those of each alternative when there are several."""
    schema = _shown(document, schema)
    if schema.get("title") == "Duration":
        return []
    if "items" in schema:
        return _members(document, schema["items"])
    if "properties" in schema:
        required = {*schema.get("required", ()), *(next(iter(group)) for group in _choices(schema) if len(group) == 1)}
        return [
            {"name": name, "required": name in required, **_member(document, member)}
            for name, member in schema["properties"].items()
        ]
    found: dict[str, Json] = {}
    for variant in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found |= {member["name"]: {**member, "required": False} for member in _members(document, variant)}
    return list(found.values())


def _choices(schema: Json) -> Iterable[list[str]]:
    """The groups of members of which one is needed."""
    for kind in ("oneOf", "anyOf"):
        names = [
            variant["required"][0] for variant in schema.get(kind, ()) if variant.keys() == {"required", "properties"}
        ]
        if names and len(names) == len(schema[kind]):
            yield names


def _choice(document: Json, schema: Json) -> str:
    schema = _shown(document, schema)
    if "items" in schema:
        return _choice(document, schema["items"])
    for names in _choices(schema):
        if len(names) > 1:
            listed = ", ".join(f"`{name}`" for name in names)
            return f"{'Exactly' if 'oneOf' in schema else 'At least'} one of {listed}."
    return ""


def _member(document: Json, schema: Json) -> Json:
    shown = _shown(document, schema)
    return {
        "type": _type(document, shown),
        "description": shown.get("description", ""),
        "notes": list(_notes(shown)),
        "deprecated": shown.get("deprecated", False),
        "members": _members(document, shown),
        "choice": _choice(document, shown),
    }


def _type(document: Json, schema: Json) -> str:
    schema = _shown(document, schema)
    if schema.get("title") == "Duration":
        return "duration"
    if "items" in schema:
        kind = _type(document, schema["items"])
        return f"list of {kind}s" if kind in ("object", "text", "time", "date") else f"list of {kind}"
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return " · ".join(json.dumps(value) for value in values)
    if "anyOf" in schema and "properties" not in schema:
        return " or ".join(dict.fromkeys(_type(document, variant) for variant in schema["anyOf"]))
    if schema.get("format") in ("date-time", "date", "uri"):
        return {"date-time": "time", "date": "date", "uri": "URL"}[schema["format"]]
    kinds: list[str] = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", ["any"])
    return " or ".join(
        {"integer": "whole number", "string": "text"}.get(kind, kind) for kind in kinds if kind != "null"
    )


def _notes(schema: Json) -> Iterable[str]:
    unit = {"string": " characters", "array": " entries"}.get(str(schema.get("type")), "")
    least = schema.get("minLength", schema.get("minItems", schema.get("minimum")))
    most = schema.get("maxLength", schema.get("maxItems", schema.get("maximum")))
    if most is not None:
        yield f"{least} to {most}{unit}" if least else f"at most {most}{unit}"
    elif least == 1 and "minItems" in schema:
        yield "at least 1 entry"
    if "default" in schema:
        yield f"default {json.dumps(schema['default'])}"
    if "examples" in schema:
        yield f"such as {schema['examples'][0]}"


def _curl(api_url: str, path: str, method: str, described: Json, content: Json, credential: str) -> str:
    query: list[str] = []
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(parameter["example"], safe=""))
        elif parameter["in"] == "query" and parameter["required"]:
            example = parameter.get("example") or parameter["schema"]["examples"][0]
            query.append(f"{parameter['name']}={quote(example, safe='')}")
    address = f"{api_url}{path}" + (f"?{'&'.join(query)}" if query else "")
    lines = ["curl" + ("" if method == "get" else f" -X {method.upper()}") + f" {shlex.quote(address)}"]
    if credential in _BEARERS:
        lines.append(f'-H "Authorization: Bearer {_BEARERS[credential]}"')
    if content:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d {shlex.quote(_json(content['application/json']['example']))}")
    return " \\\n  ".join(lines)


def _json(value: Any) -> str:
    """Indented, but short objects and lists on one line."""
    return _folded(value, 0)


def _folded(value: Any, depth: int) -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + 2 * depth <= 72 or not isinstance(value, dict | list) or not value:
        return flat
    pad, end = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict):
        members = cast("Json", value)
        lines = [f"{pad}{json.dumps(name)}: {_folded(member, depth + 1)}" for name, member in members.items()]
        return "{\n" + ",\n".join(lines) + f"\n{end}}}"
    items = [pad + _folded(item, depth + 1) for item in cast("list[Any]", value)]
    return "[\n" + ",\n".join(items) + f"\n{end}]"
