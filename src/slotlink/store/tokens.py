"""Access and refresh tokens: stored as digests, found by them, gone with their account."""

from __future__ import annotations

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.account import ACCESS_TOKEN_LIFE_S, APPLICATION_CALENDAR_SCOPE, REFRESH_TOKEN_LIFE_S
from slotlink.store import ids
from slotlink.store.tables import tokens
from slotlink.vault import digest


async def issue_access(connection: AsyncConnection, application_id: str, sub: str, now: int) -> str:
    token = ids.new_bearer_token()
    await _insert(connection, application_id, sub, "access", token, now, now + ACCESS_TOKEN_LIFE_S)
    return token


async def issue_refresh(connection: AsyncConnection, application_id: str, sub: str, now: int) -> str:
    token = ids.new_bearer_token()
    await _insert(connection, application_id, sub, "refresh", token, now, now + REFRESH_TOKEN_LIFE_S)
    return token


async def prolong(connection: AsyncConnection, application_id: str, refresh_token: str, now: int) -> None:
    """A refresh token that is used lives on."""
    await connection.execute(
        update(tokens)
        .where(tokens.c.application_id == application_id, tokens.c.token_sha256 == digest(refresh_token))
        .values(expires_at=now + REFRESH_TOKEN_LIFE_S)
    )


async def revoke_all(connection: AsyncConnection, application_id: str) -> int:
    """End every token of an application's accounts, as after a leak. How many there were."""
    return (await connection.execute(delete(tokens).where(tokens.c.application_id == application_id))).rowcount


async def _insert(
    connection: AsyncConnection, application_id: str, sub: str, kind: str, token: str, now: int, expires_at: int | None
) -> None:
    await connection.execute(
        insert(tokens).values(
            application_id=application_id,
            token_sha256=digest(token),
            kind=kind,
            sub=sub,
            scope=APPLICATION_CALENDAR_SCOPE,
            created_at=now,
            expires_at=expires_at,
        )
    )


async def find(
    connection: AsyncConnection, token: str, *, kind: str | None, now: int, application_id: str | None = None
) -> Row[str, str, str] | None:
    """(application_id, sub, kind) of a living token: not expired, not revoked with its account."""
    statement = select(tokens.c.application_id, tokens.c.sub, tokens.c.kind).where(
        tokens.c.token_sha256 == digest(token), (tokens.c.expires_at.is_(None)) | (tokens.c.expires_at > now)
    )
    if kind is not None:
        statement = statement.where(tokens.c.kind == kind)
    if application_id is not None:
        statement = statement.where(tokens.c.application_id == application_id)
    return (await connection.execute(statement)).one_or_none()


async def forget_expired(connection: AsyncConnection, now: int) -> int:
    return (await connection.execute(delete(tokens).where(tokens.c.expires_at <= now))).rowcount
