"""Housekeeping goes on, whatever a round of it meets."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest.mock import patch

from structlog.testing import capture_logs

from slotlink.errors import StoreUnavailable
from slotlink.worker import housekeeping


async def test_a_round_that_fails_is_told_and_is_not_the_last() -> None:
    faults: list[Exception] = [StoreUnavailable("gone"), ValueError("a bug of ours")]
    rounds = 0
    done = asyncio.Event()

    async def forget(_deps: Any, _now: int) -> None:
        nonlocal rounds
        rounds += 1
        if rounds > len(faults):
            done.set()
        else:
            raise faults[rounds - 1]

    with capture_logs() as logs, patch.multiple(housekeeping, forget=forget, EVERY_S=0):
        keeping = asyncio.create_task(housekeeping.keep_house(None))  # type: ignore[arg-type]
        async with asyncio.timeout(5):
            await done.wait()
        keeping.cancel()
    assert [line["event"] for line in logs[:2]] == ["housekeeping.database_unavailable", "housekeeping.broke"]
