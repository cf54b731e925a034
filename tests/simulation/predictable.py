"""Takes from the production code whatever is not the same in every run: its clock, its luck, its log, its threads."""

from __future__ import annotations

import base64
import contextlib
import random
import secrets
import sys
from collections.abc import Callable, Generator
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import aiosqlite

TIMED = ("slotlink.services.booking", "slotlink.worker.deliver_callback", "slotlink.worker.loop")
Logged = Callable[[str, str, dict[str, Any]], None]


class _Log:
    """In place of each module's `log`."""

    def __init__(self, logged: Logged) -> None:
        self._logged = logged

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **members: self._logged(level, event, members)


@contextlib.contextmanager
def predictable_secrets(luck: Random) -> Generator[None]:
    """Ids, tokens, nonces and jitter come from `luck`."""
    with (
        patch.object(secrets, "token_bytes", luck.randbytes),
        patch.object(secrets, "token_hex", lambda size: luck.randbytes(size).hex()),
        patch.object(
            secrets, "token_urlsafe", lambda size: base64.urlsafe_b64encode(luck.randbytes(size)).rstrip(b"=").decode()
        ),
        patch.object(random, "random", luck.random),
    ):
        yield


@contextlib.contextmanager
def predictable(
    luck: Random, wall: Callable[[], float], monotonic: Callable[[], float], logged: Logged, connect: Callable[..., Any]
) -> Generator[None]:
    """While the block runs, all of it. `connect` stands in for `aiosqlite.connect`."""
    time = SimpleNamespace(time=wall, monotonic=monotonic)
    log = _Log(logged)
    with contextlib.ExitStack() as stack:
        stack.enter_context(predictable_secrets(luck))
        stack.enter_context(patch.object(aiosqlite, "connect", connect))
        for name, module in list(sys.modules.items()):
            if name.startswith("slotlink.") and hasattr(module, "log"):
                stack.enter_context(patch.object(module, "log", log))
            if name in TIMED:
                stack.enter_context(patch.object(module, "time", time))
        yield
