"""Takes from the production code whatever is not the same in every run: its clock, its luck, its log, its threads."""

from __future__ import annotations

import base64
import contextlib
import random
import secrets
import sys
from collections.abc import Callable, Generator
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

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
    luck: Random, wall: Callable[[], float], monotonic: Callable[[], float], logged: Logged
) -> Generator[None]:
    """While the block runs, all of it."""
    time = SimpleNamespace(time=wall, monotonic=monotonic)
    log = _Log(logged)
    replaced = [(module, "log", module.log, log) for module in _logging()]
    replaced += [(sys.modules[name], "time", sys.modules[name].time, time) for name in TIMED]
    with predictable_secrets(luck):
        for module, name, _, instead in replaced:
            setattr(module, name, instead)
        try:
            yield
        finally:
            for module, name, before, _ in replaced:
                setattr(module, name, before)


@cache
def _logging() -> list[Any]:
    """Modules with a log: all that can run in a simulation are loaded by now."""
    return [module for name, module in sys.modules.items() if name.startswith("slotlink.") and hasattr(module, "log")]
