"""What a double can be told to do wrong, for the next calls that match."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Message


@dataclass
class Fault:
    """One way to fail. A `status` is answered instead of the real answer; `before_effect`: nothing was done."""

    status: int | None = None
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    before_effect: bool = False
    closes: bool = False
    cuts: bool = False
    wait_s: float = 0
    held: threading.Event | None = None

    def messages(self) -> list[Message]:
        named = {"content-type": "application/json; charset=UTF-8", "content-length": str(len(self.body))}
        named.update({name.lower(): value for name, value in self.headers.items()})
        headers = [(name.encode(), value.encode()) for name, value in named.items()]
        return [
            {"type": "http.response.start", "status": self.status, "headers": headers},
            {"type": "http.response.body", "body": self.body},
        ]


@dataclass
class _Planned:
    fault: Fault
    method: str | None
    path: re.Pattern[str]
    skip: int
    times: int


class Faults:
    """The switch. Every call of it takes `method`, `path` (a regular expression, searched), `times` and `skip`:
    the first `skip` matching calls pass, the next `times` fail. Of several plans that match, the oldest counts."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def answer(
        self,
        status: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        done: bool = False,
        **when: Any,
    ) -> None:
        """Answer `status` with `body` (bytes, or what becomes JSON). `done`: after the effect, as a proxy's 502 may."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self._plan(Fault(status=status, body=data, headers=headers or {}, before_effect=not done), **when)

    def close_before(self, **when: Any) -> None:
        """Hang up without having done anything."""
        self._plan(Fault(closes=True, before_effect=True), **when)

    def close_after(self, **when: Any) -> None:
        """Do it, then hang up: a time-out after the send, as the client sees it."""
        self._plan(Fault(closes=True), **when)

    def cut(self, **when: Any) -> None:
        """Do it, send half of the answer's body, and hang up."""
        self._plan(Fault(cuts=True), **when)

    def slow(self, seconds: float, **when: Any) -> None:
        """Wait before doing anything."""
        self._plan(Fault(wait_s=seconds), **when)

    def hold(self, **when: Any) -> threading.Event:
        """Do and answer nothing until the event is set: slowness without guessing how slow."""
        held = threading.Event()
        self._plan(Fault(held=held), **when)
        return held

    def _plan(self, fault: Fault, *, method: str | None = None, path: str = "", times: int = 1, skip: int = 0) -> None:
        self._planned.append(_Planned(fault, method, re.compile(path), skip, times))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of this call, which is used up by it."""
        for planned in self._planned:
            if planned.times == 0 or planned.method not in (None, method) or not planned.path.search(path):
                continue
            if planned.skip:
                planned.skip -= 1
                continue
            planned.times -= 1
            return planned.fault
        return None

    def clear(self) -> None:
        """Forget all of them, and let go whoever is held."""
        for planned in self._planned:
            if planned.fault.held is not None:
                planned.fault.held.set()
        self._planned.clear()
