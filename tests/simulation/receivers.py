"""Where callbacks go: hosts that accept, refuse, hang, lose and repeat, by luck, until the faults of a run end.

They live outside of every node: what was sent arrives, whatever becomes of its sender meanwhile.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Mapping
from contextvars import Context
from random import Random
from typing import Any, Protocol

import aiohttp

from slotlink.services.deps import Deps
from slotlink.worker.deliver_callback import CallbackClient

# What a receiver may do, and how often: a mood has its own weights.
DEEDS = ("accept", "fail", "slow down", "gone", "hang", "lose request", "lose answer", "twice", "slow")
MOODS = {
    "well": (1, 0, 0, 0, 0, 0, 0, 0, 0),
    "shaky": (5, 3, 1, 0, 1, 1, 2, 2, 1),
    "down": (0, 4, 1, 0, 1, 1, 0, 0, 0),
    "silent": (0, 0, 0, 0, 1, 1, 0, 0, 0),
    "closed": (1, 2, 0, 1, 0, 0, 0, 0, 0),
    "dead": (0, 0, 0, 0, 1, 0, 0, 0, 0),
    "slow": (0, 0, 0, 0, 0, 0, 0, 0, 1),
}


class Watch(Protocol):
    """Who is told what arrives."""

    def arrived(self, item_id: str, body: bytes) -> None: ...

    def note(self, *what: object) -> None: ...

    def broken(self, what: str) -> None: ...


class Receivers:
    def __init__(self, loop: asyncio.AbstractEventLoop, luck: Random, watch: Watch, secret: str) -> None:
        self._loop = loop
        self._luck = luck
        self._watch = watch
        self._secret = secret
        self.moods: dict[str, str] = {}
        self.accepted: dict[str, int] = {}
        self.refused_for_good: set[str] = set()
        self.asked_for_s: dict[str, int] = {}

    def send(self, url: str, body: bytes, headers: Mapping[str, str], answer: asyncio.Future[Any]) -> None:
        """Post from a node. `answer` gets (status code, Retry-After), an error, or nothing at all."""
        host = url.split("/")[2]
        [deed] = self._luck.choices(DEEDS, MOODS[self.moods.get(host, "well")])
        item_id = headers["webhook-id"]
        self._watch.note("post", item_id, host, deed)
        if deed == "lose request":
            self._later(1.0, self._answer, answer, aiohttp.ServerDisconnectedError())
            return
        self._later(self._luck.uniform(0.01, 0.3), self._arrive, deed, item_id, body, headers, answer)

    def _arrive(
        self, deed: str, item_id: str, body: bytes, headers: Mapping[str, str], answer: asyncio.Future[Any]
    ) -> None:
        self._verify(item_id, body, headers)
        for _ in range(2 if deed == "twice" else 1):
            self._watch.arrived(item_id, body)
        soon = self._luck.uniform(0.01, 0.3)
        match deed:
            case "hang":
                return
            case "fail":
                self._later(soon, self._answer, answer, (500, None))
            case "slow down":
                self.asked_for_s[item_id] = 5
                self._later(soon, self._answer, answer, (429, "5"))
            case "gone":
                self.refused_for_good.add(item_id)
                self._later(soon, self._answer, answer, (410, None))
            case "lose answer":
                self.accepted[item_id] = self.accepted.get(item_id, 0) + 1
                self._later(soon, self._answer, answer, ConnectionResetError())
            case _:
                self.accepted[item_id] = self.accepted.get(item_id, 0) + 1
                self._later(2.0 if deed == "slow" else soon, self._answer, answer, (204, None))

    def _verify(self, item_id: str, body: bytes, headers: Mapping[str, str]) -> None:
        stamped = f"{item_id}.{headers['webhook-timestamp']}.".encode() + body
        wanted = (self._digest(body), "v1," + self._digest(stamped))
        if (headers["Cronofy-HMAC-SHA256"], headers["webhook-signature"]) != wanted:
            self._watch.broken(f"{item_id} came with a wrong signature")

    def _digest(self, content: bytes) -> str:
        return base64.b64encode(hmac.digest(self._secret.encode(), content, hashlib.sha256)).decode()

    def _answer(self, answer: asyncio.Future[Any], what: Any) -> None:
        if answer.done():
            return
        if isinstance(what, Exception):
            answer.set_exception(what)
        else:
            answer.set_result(what)

    def _later(self, delay: float, *call: Any) -> None:
        self._loop.call_later(delay, *call, context=Context())


class SimulatedClient(CallbackClient):
    """The production client, but for the socket."""

    def __init__(self, deps: Deps, receivers: Receivers) -> None:
        super().__init__(deps)
        self._receivers = receivers

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str | None]:
        answer: asyncio.Future[tuple[int, str | None]] = asyncio.get_running_loop().create_future()
        self._receivers.send(url, body, headers, answer)
        return await answer
