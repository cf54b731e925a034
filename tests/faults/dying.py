"""A process that begins to answer a request with an `Idempotency-Key` and ends without a word: before it commits, or
after."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Literal

from starlette.testclient import TestClient

from slotlink.app import make_app
from slotlink.settings import Settings
from slotlink.store.database import Database

CODE = 137


def answer_and_die(
    when: Literal["before", "after"], settings: Settings, now: float, body: Any, headers: Mapping[str, str]
) -> None:
    whole = Database.one_transaction

    @contextlib.asynccontextmanager
    async def dying(self: Database) -> AsyncGenerator[Any]:
        async with whole(self) as connection:
            yield connection
            if when == "before":
                os._exit(CODE)
        os._exit(CODE)

    Database.one_transaction = dying  # type: ignore[method-assign]
    with TestClient(make_app(settings, background=False, clock=lambda: now)) as http:
        http.post("/v1/real_time_scheduling", json=body, headers=headers)
