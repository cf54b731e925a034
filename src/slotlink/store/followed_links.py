"""What tells whether a link's offer may have changed: how it stands, and the versions of the accounts it asks for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from slotlink.domain.followed import AccountMark
from slotlink.store.tables import accounts, links

AT_ONCE = 1000  # ids of one statement


async def states(connection: AsyncConnection, application_id: str, link_ids: Collection[str]) -> Mapping[str, str]:
    """The stored state of each of these links that is still there."""
    found: dict[str, str] = {}
    for some in _portions(link_ids):
        rows = await connection.execute(
            select(links.c.link_id, links.c.state).where(
                links.c.application_id == application_id, links.c.link_id.in_(some)
            )
        )
        found |= {row.link_id: row.state for row in rows}
    return found


async def account_marks(
    connection: AsyncConnection, application_id: str, subs: Collection[str], now: int
) -> Mapping[str, AccountMark]:
    """The version of each of these accounts that is there, and whether what is mirrored of it is to be believed."""
    found: dict[str, AccountMark] = {}
    for some in _portions(subs):
        rows = await connection.execute(
            select(accounts.c.sub, accounts.c.version, accounts.c.fresh_until).where(
                accounts.c.application_id == application_id, accounts.c.sub.in_(some)
            )
        )
        found |= {row.sub: AccountMark(row.version, row.fresh_until is None or now < row.fresh_until) for row in rows}
    return found


def _portions(ids: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(ids)
    for first in range(0, len(ordered), AT_ONCE):
        yield ordered[first : first + AT_ONCE]
