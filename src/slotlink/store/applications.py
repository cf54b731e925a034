"""Applications and their client secrets."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import Application
from slotlink.errors import InvalidRequest, NotFound
from slotlink.store import ids
from slotlink.store.tables import applications, client_secrets, metadata
from slotlink.vault import Vault, digest, row_name

ACTIVE_SECRETS = 2  # during a rotation: the old one and the new one


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """An application with its active secrets counted, for listings."""

    application_id: str
    name: str
    created_at: int
    active_secrets: int


async def create(connection: AsyncConnection, vault: Vault, name: str, now: int) -> tuple[str, str]:
    """A new application: its client id and client secret. The secret is told here and never again."""
    client_id = ids.new_client_id()
    await connection.execute(
        insert(applications).values(application_id=client_id, name=name, shows_participants=False, created_at=now)
    )
    return client_id, await _add_secret(connection, vault, client_id, now)


async def get(connection: AsyncConnection, application_id: str) -> Application:
    row = (
        await connection.execute(select(applications).where(applications.c.application_id == application_id))
    ).one_or_none()
    if row is None:
        raise NotFound(f"no application {application_id}")
    return Application(row.application_id, row.name, row.shows_participants)


async def lock(connection: AsyncConnection, application_id: str) -> None:
    """Hold the application until the transaction ends: nobody else makes an account of it meanwhile."""
    await connection.execute(
        select(applications.c.application_id)
        .where(applications.c.application_id == application_id)
        .with_for_update(key_share=True)  # rows that refer to it can still be written
    )


async def set_shows_participants(connection: AsyncConnection, application_id: str, *, shows: bool) -> None:
    """Whether pages may show the display names of the people in a query."""
    await connection.execute(
        update(applications).where(applications.c.application_id == application_id).values(shows_participants=shows)
    )


async def all_of_them(connection: AsyncConnection) -> list[ApplicationRow]:
    active = (
        select(func.count())
        .where(client_secrets.c.application_id == applications.c.application_id, client_secrets.c.revoked_at.is_(None))
        .scalar_subquery()
    )
    rows = await connection.execute(
        select(applications, active.label("active_secrets")).order_by(applications.c.created_at)
    )
    return [ApplicationRow(row.application_id, row.name, row.created_at, row.active_secrets) for row in rows]


async def rotate_secret(connection: AsyncConnection, vault: Vault, application_id: str, now: int) -> str:
    """Add a second active secret. Raises InvalidRequest when two are active already, NotFound."""
    await get(connection, application_id)
    active = await _active(connection, application_id)
    if len(active) >= ACTIVE_SECRETS:
        raise InvalidRequest.of(
            "client_id",
            "errors.too_many",
            "two secrets are active already; revoke the older one first (slotlink applications revoke-secret)",
        )
    # Two made within a second are still told apart by age.
    return await _add_secret(connection, vault, application_id, max([now, *(row.created_at + 1 for row in active)]))


async def revoke_oldest_secret(connection: AsyncConnection, application_id: str, now: int) -> None:
    """End a rotation: the older of two secrets stops working. Raises InvalidRequest when only one is left, NotFound."""
    await get(connection, application_id)
    active = await _active(connection, application_id)
    if len(active) < ACTIVE_SECRETS:
        raise InvalidRequest.of(
            "client_id",
            "errors.required",
            "only one secret is active; add another first (slotlink applications rotate-secret)",
        )
    await connection.execute(
        update(client_secrets)
        .where(client_secrets.c.application_id == application_id, client_secrets.c.secret_id == active[0].secret_id)
        .values(revoked_at=now)
    )


async def replace_secrets(connection: AsyncConnection, vault: Vault, application_id: str, now: int) -> str:
    """One new secret, and no other works from now on, as after a leak. Raises NotFound."""
    await get(connection, application_id)
    newest = max([now, *(row.created_at + 1 for row in await _active(connection, application_id))])
    await connection.execute(
        update(client_secrets)
        .where(client_secrets.c.application_id == application_id, client_secrets.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return await _add_secret(connection, vault, application_id, newest)


async def delete_everything(connection: AsyncConnection, application_id: str) -> dict[str, int]:
    """Delete an application with all that belongs to it. The number of rows by table. Raises NotFound."""
    await get(connection, application_id)
    counts: dict[str, int] = {}
    for table in reversed(metadata.sorted_tables):
        if "application_id" in table.c:
            deleted = await connection.execute(delete(table).where(table.c.application_id == application_id))
            counts[table.name] = deleted.rowcount
    return counts


async def find_by_secret(connection: AsyncConnection, secret: str) -> Application | None:
    """Whose active client secret this is."""
    row = (
        await connection.execute(
            select(applications)
            .join(client_secrets, client_secrets.c.application_id == applications.c.application_id)
            .where(client_secrets.c.secret_sha256 == digest(secret), client_secrets.c.revoked_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else Application(row.application_id, row.name, row.shows_participants)


async def active_secrets(connection: AsyncConnection, vault: Vault, application_id: str) -> list[str]:
    """The secrets that sign callbacks, newest first."""
    return [
        vault.open(row.sealed_secret, _row(application_id, row.secret_id))
        for row in reversed(await _active(connection, application_id))
    ]


def _row(application_id: str, secret_id: str) -> str:
    return row_name(client_secrets.name, application_id, secret_id)


async def _active(connection: AsyncConnection, application_id: str):
    return (
        await connection.execute(
            select(client_secrets.c.secret_id, client_secrets.c.sealed_secret, client_secrets.c.created_at)
            .where(client_secrets.c.application_id == application_id, client_secrets.c.revoked_at.is_(None))
            .order_by(client_secrets.c.created_at, client_secrets.c.secret_id)
        )
    ).all()


async def _add_secret(connection: AsyncConnection, vault: Vault, application_id: str, now: int) -> str:
    secret = ids.new_client_secret()
    secret_id = ids.new_id("sec")
    await connection.execute(
        insert(client_secrets).values(
            application_id=application_id,
            secret_id=secret_id,
            secret_sha256=digest(secret),
            sealed_secret=vault.seal(secret, _row(application_id, secret_id)),
            created_at=now,
        )
    )
    return secret
