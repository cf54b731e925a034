"""JSON batching: many calls in one, each with its own status."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.doubles import graph_errors as errors
from tests.doubles.faults import Faults
from tests.doubles.graph_errors import Json
from tests.doubles.service import Asked, Call

MOST = 20  # fact: batch.twenty


@dataclass
class Answer:
    status: int
    body: Json | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


Run = Callable[[Asked, str], Answer]


class Batches:
    """`parallel_limit`: parts beyond so many without dependsOn are answered 429, as people report of Outlook."""

    def __init__(self, run: Run, faults: Faults, root: str) -> None:
        self._run = run
        self._faults = faults
        self._root = root
        self.parallel_limit: int | None = None
        self.reversed = False  # fact: batch.any-order

    def call(self, asked: Asked, body: Json) -> Json:
        parts: list[Json] = body.get("requests") or []
        if not parts:
            raise errors.bad_request("Invalid batch payload format.")
        if len(parts) > MOST:
            raise errors.bad_request(f"Number of batch request steps exceeds the maximum value of {MOST}.")
        ids = [str(part.get("id", "")).lower() for part in parts]
        if len(set(ids)) < len(ids) or "" in ids:  # fact: batch.ids
            raise errors.bad_request("The id of every request in a batch must be unique.")
        statuses: dict[str, int] = {}
        answers: list[Json] = []
        free = 0
        for part in parts:
            needs = [str(one).lower() for one in part.get("dependsOn", [])]
            free += not needs
            if any(statuses.get(one, 424) >= 400 for one in needs):  # fact: batch.depends-on
                answer = Answer(424, {"error": {"code": "FailedDependency", "message": "A dependency failed."}})
            elif not needs and self.parallel_limit is not None and free > self.parallel_limit:
                error = errors.throttled(1)  # fact: batch.overload
                answer = Answer(429, {"error": {"code": error.code, "message": error.message}}, error.headers)
            else:
                answer = self._part(asked, part)
            statuses[str(part["id"]).lower()] = answer.status
            shown = {"Content-Type": "application/json", **answer.headers}
            answers.append({"id": str(part["id"]), "status": answer.status, "headers": shown})
            if answer.body is not None:
                answers[-1]["body"] = answer.body
        return {"responses": answers[::-1] if self.reversed else answers}

    def _part(self, asked: Asked, part: Json) -> Answer:
        """One call, with the token of the whole. Faults strike it by its own path."""
        headers = {name.lower(): str(value) for name, value in part.get("headers", {}).items()}
        if "body" in part and "content-type" not in headers:  # fact: batch.content-type
            return Answer(400, {"error": {"code": "BadRequest", "message": "Write request id must have Content-Type."}})
        url = urlsplit("/" + str(part.get("url", "")).lstrip("/"))
        path, pairs = unquote(url.path), parse_qsl(url.query, keep_blank_values=True)
        method = str(part.get("method", "GET")).upper()
        headers = {**headers, "authorization": asked.call.headers.get("authorization", "")}
        content: Any = json.dumps(part["body"]).encode() if "body" in part else b""
        call = Call(method, self._root + path, dict(pairs), headers, content)
        fault = self._faults.take(method, call.path)
        real = None if fault and fault.before_effect else self._run(Asked(call, {}, pairs), path.lstrip("/"))
        if fault and fault.status is not None:
            return Answer(fault.status, json.loads(fault.body or b"null"), dict(fault.headers))
        if (fault and (fault.closes or fault.cuts)) or real is None:
            return Answer(504, {"error": {"code": "UnknownError", "message": ""}})
        return real
