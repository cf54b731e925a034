"""What the suites of `Idempotency-Key` share: requests under a key, whether an answer is a repetition, rows counted."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from slotlink.store import tables
from tests.center import Center, Json

LINKS = "/v1/real_time_scheduling"


def center_on(request: pytest.FixtureRequest, folder: Path) -> Center:
    """A data center on the engine that the fixture's parameter names."""
    if request.param == "sqlite":
        return Center(folder)
    return Center(folder, SLOTLINK_DATABASE_URL=request.getfixturevalue("cluster").migrated_database())


def keyed(key: dict[str, str], name: str | None = None) -> dict[str, str]:
    return {**key, "Idempotency-Key": name or str(uuid.uuid4())}


def create(center: Center, body: Json, headers: dict[str, str]) -> Any:
    return center.http.post(LINKS, json=body, headers=headers)


def same(first: Any, again: Any) -> bool:
    """Whether `again` is `first` to the byte, and says that it is a repetition."""
    headers = dict(again.headers)
    return (
        headers.pop("idempotent-replayed", None) == "true"
        and "idempotent-replayed" not in first.headers
        and (again.status_code, again.content, headers) == (first.status_code, first.content, dict(first.headers))
    )


def counted(center: Center, *of: Any) -> list[int]:
    """How many rows of the application each table has; of links, unless others are named."""

    async def count(deps: Any) -> list[int]:
        async with deps.database.reading() as connection:
            return [
                (
                    await connection.execute(
                        select(func.count()).select_from(table).where(table.c.application_id == center.client_id)
                    )
                ).scalar_one()
                for table in of or (tables.links,)
            ]

    return center.run(count)


def one_more(before: list[int]) -> list[int]:
    return [count + 1 for count in before]
