"""Answers kept under the `Idempotency-Key` of their request: each in the transaction of what it tells, and sealed.

A request under way holds its key by that transaction alone: whatever ends it, be it a crash, gives the key back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.store.tables import idempotency_keys
from slotlink.vault import Vault


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer, and the SHA-256 of what was asked."""

    request_sha256: bytes
    status_code: int
    headers: Mapping[str, str]
    body: bytes


async def hold(connection: AsyncConnection, application_id: str, key_sha256: bytes) -> bool:
    """Hold the key until the transaction ends. False when another transaction does."""
    if connection.dialect.name != "postgresql":
        return True  # a transaction that writes to SQLite is alone
    number = int.from_bytes(hashlib.sha256(_row(application_id, key_sha256).encode()).digest()[:8], signed=True)
    return (await connection.execute(select(func.pg_try_advisory_xact_lock(number)))).scalar_one()


async def find(
    connection: AsyncConnection, vault: Vault, application_id: str, key_sha256: bytes, now: int
) -> KeptAnswer | None:
    """What was answered under this key, until it expires."""
    statement = select(idempotency_keys).where(
        *_of_key(application_id, key_sha256), idempotency_keys.c.expires_at > now
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    sealed: dict[str, Any] = msgspec.json.decode(vault.open(row.sealed_answer, _row(application_id, key_sha256)))
    return KeptAnswer(row.request_sha256, row.status_code, sealed["headers"], sealed["body"].encode())


async def keep(
    connection: AsyncConnection, vault: Vault, application_id: str, key_sha256: bytes, answer: KeptAnswer, until: int
) -> None:
    """Keep an answer, in place of one that has expired."""
    content = msgspec.json.encode({"headers": answer.headers, "body": answer.body.decode()}).decode()
    values = {
        "request_sha256": answer.request_sha256,
        "status_code": answer.status_code,
        "sealed_answer": vault.seal(content, _row(application_id, key_sha256)),
        "expires_at": until,
    }
    replaced = await connection.execute(
        update(idempotency_keys).where(*_of_key(application_id, key_sha256)).values(**values)
    )
    if replaced.rowcount == 0:
        key = {"application_id": application_id, "key_sha256": key_sha256}
        await connection.execute(insert(idempotency_keys).values(**key, **values))


async def forget_expired(connection: AsyncConnection, now: int) -> int:
    return (await connection.execute(delete(idempotency_keys).where(idempotency_keys.c.expires_at <= now))).rowcount


def _of_key(application_id: str, key_sha256: bytes) -> tuple[Any, ...]:
    return (idempotency_keys.c.application_id == application_id, idempotency_keys.c.key_sha256 == key_sha256)


def _row(application_id: str, key_sha256: bytes) -> str:
    return f"idempotency_keys/{application_id}/{key_sha256.hex()}"
