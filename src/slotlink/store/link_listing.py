"""Links of all applications, for the operator's command line."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.link import Link, LinkStatus, link_status
from slotlink.store import links as link_rows
from slotlink.store.tables import links
from slotlink.vault import Vault, digest


@dataclass(frozen=True, slots=True)
class ListedLink:
    application_id: str
    link_id: str
    status: LinkStatus
    summary: str
    created_at: int


async def find_anywhere(connection: AsyncConnection, vault: Vault, id_or_token: str) -> Link | None:
    """The link of this id or token, whoever owns it."""
    found = (
        await connection.execute(
            select(links.c.application_id, links.c.link_id).where(
                or_(links.c.link_id == id_or_token, links.c.token_sha256 == digest(id_or_token))
            )
        )
    ).one_or_none()
    return None if found is None else await link_rows.get(connection, vault, found.application_id, found.link_id)


async def list_newest(
    connection: AsyncConnection, now: int, *, status: LinkStatus | None, limit: int
) -> list[ListedLink]:
    """The newest links first, all of them or those of one status."""
    statement = select(links).order_by(links.c.created_at.desc(), links.c.link_id).limit(limit)
    if status is LinkStatus.EXPIRED:
        statement = statement.where(links.c.state == LinkStatus.OPEN, links.c.expires_at <= now)
    elif status is not None:
        statement = statement.where(links.c.state == status)
    if status is LinkStatus.OPEN:
        statement = statement.where(links.c.expires_at > now)
    return [
        ListedLink(
            row.application_id,
            row.link_id,
            link_status(row.state, row.expires_at, now),
            msgspec.json.decode(row.event)["summary"],
            row.created_at,
        )
        for row in await connection.execute(statement)
    ]
