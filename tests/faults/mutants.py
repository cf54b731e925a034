"""Requests as bytes, made wrong at random: from a seed, so that each can be made again."""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass
from typing import Any

# What parsers have stumbled over, somewhere.
BITS = [
    *(b"\x00", b"\r\n", b"\n", b"\r", b"\t", b"\x0b", b" ", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(b"%00", b"%", b"%ff%fe", b"%2f", b"..", b"//", b"?", b"#", b"&", b"=", b";", b",", b"+", b"'", b'"', b"\\", b"<"),
    *(b"{", b"}", b"[", b"]", b"{" * 200, b"[" * 5000, b'{"a":' * 100, b"\\ud800", b"\\u0000", b"\\", b"null", b"NaN"),
    *(b"0", b"-1", b"1e999", b"9" * 400, b"9" * 5000, b"2147483648", b"1" + b"0" * 19, b"-0", b"0.1", b"Infinity"),
    *(
        b"A" * 300,
        b"A" * 9000,
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: x\r\n",
        b"a: b\r\n",
    ),
    *(b"9999-12-31T23:59:59Z", b"0000-00-00", b"Etc/UTC", b"../../etc/passwd", b"\xf0\x9f\x98\x80", b"' OR 1=1 --"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**30, "", " ", "x" * 20_000, "\x00", "\ud800", "é" * 100, [], {}, [[]], [None]),
    *({"": ""}, "2027-03-05", "2027-03-05T09:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "Etc/UTC"),
    *("javascript:alert(1)", "http://127.0.0.1/", "all", ["x"] * 300, [{}] * 300, {"a": {"b": {"c": []}}}),
]


@dataclass(frozen=True)
class Request:
    """A request in its parts."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def raw(self, *, framed: bool = True) -> bytes:
        lines = [f"{self.method} {self.target} HTTP/1.1".encode(), b"Host: slotlink.test"]
        lines += [f"{name}: {value}".encode() for name, value in self.headers]
        if framed and self.body:
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"Connection: close", b"", self.body])


def mutant(request: Request, chance: random.Random) -> bytes:
    """The request, made wrong in one of its parts or as a whole."""
    match chance.randrange(6):
        case 0:
            return _bytes(request.raw(), chance)
        case 1 if request.body:
            return _with(request, body=_bytes(request.body, chance)).raw()
        case 2:
            target = _bytes(request.target.encode(), chance).replace(b" ", b"%20")
            head, rest = request.raw().split(b"\r\n", 1)
            return b" ".join([head.split(b" ")[0], target, b"HTTP/1.1"]) + b"\r\n" + rest
        case 3:
            headers = list(request.headers)
            headers.insert(0, (chance.choice(["X", "Accept", "If-None-Match", "Authorization", "Content-Type"]), ""))
            chosen = chance.randrange(len(headers))
            value = _bytes(headers[chosen][1].encode() or b"x", chance).decode("latin-1")
            headers[chosen] = (headers[chosen][0], value.replace("\r", "").replace("\n", ""))
            return _with(request, headers=tuple(headers)).raw()
        case _ if request.body.startswith(b"{"):
            body = json.loads(request.body)
            for _ in range(chance.randint(1, 3)):
                _change_member(body, chance)
            return _with(request, body=json.dumps(body).encode("utf-8", "surrogatepass")).raw()
        case _:
            return _bytes(request.raw(), chance)


def _with(request: Request, **changes: Any) -> Request:
    parts = {"method": request.method, "target": request.target, "headers": request.headers, "body": request.body}
    return Request(**{**parts, **changes})


def _bytes(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        until = min(len(data), at + chance.choice([0, 1, 1, 2, 8, 40]))
        match chance.randrange(4):
            case 0:
                data = data[:at] + chance.choice(BITS) + data[at:]
            case 1:
                data = data[:at] + chance.choice(BITS) + data[until:]
            case 2:
                data = data[:at] + data[until:]
            case _:
                data = data[:until] + data[at:]
    return data


def _change_member(value: Any, chance: random.Random) -> None:
    """Somewhere within, one member or entry becomes something else, goes, or is there twice."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if isinstance(value[key], dict | list) and value[key] and chance.random() < 0.8:
            value = value[key]
            continue
        match chance.randrange(4):
            case 0:
                del value[key]
            case 1 if isinstance(value, list):
                value.extend(copy.deepcopy(value) * chance.choice([1, 50]))
            case _:
                value[key] = copy.deepcopy(chance.choice(VALUES))
        return
