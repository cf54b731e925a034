"""The few reads that must be as fast as the engine allows: a link's status with its caller's key, whose key one is, and
which versions some accounts have.

Compiled once from the same tables as every other statement, then run on the raw driver: `hot_sqlite.py`,
`hot_postgresql.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Dialect, Select, bindparam, select

from slotlink.store.tables import accounts, client_secrets, links

# application_id, link_id, sealed_token, state, expires_at, event: as the driver gives it.
StatusRow = Sequence[Any]


class HotReader(Protocol):
    """Reads on connections of its own. What cannot be read now is as if it were not there: the general path asks again,
    and says what is wrong."""

    async def by_id(self, secret_sha256: bytes, link_id: str) -> StatusRow | None: ...

    async def by_token(self, secret_sha256: bytes, token_sha256: bytes) -> StatusRow | None: ...

    async def application(self, secret_sha256: bytes) -> str | None:
        """Whose active client secret this is."""
        ...

    async def versions(self, application_id: str, subs: Sequence[str], now: int) -> dict[str, int]:
        """The version of each of these accounts; whoever cannot be found, or has a mirror that is out of date, is not
        in it."""
        ...

    async def close(self) -> None: ...


def status_by(key: str) -> Select[*tuple[Any, ...]]:
    """The status row of the link whose `key` is given, for the application whose secret is given."""
    return (
        select(
            links.c.application_id,
            links.c.link_id,
            links.c.sealed_token,
            links.c.state,
            links.c.expires_at,
            links.c.event,
        )
        .join(client_secrets, client_secrets.c.application_id == links.c.application_id)
        .where(
            client_secrets.c.secret_sha256 == bindparam("secret"),
            client_secrets.c.revoked_at.is_(None),
            links.c[key] == bindparam("key"),
        )
    )


APPLICATION = select(client_secrets.c.application_id).where(
    client_secrets.c.secret_sha256 == bindparam("secret"), client_secrets.c.revoked_at.is_(None)
)


def versions_of(is_one_of_them: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return select(accounts.c.sub, accounts.c.version, accounts.c.fresh_until).where(
        accounts.c.application_id == bindparam("application"), is_one_of_them
    )


def fresh_versions(rows: Sequence[Sequence[Any]], now: int) -> dict[str, int]:
    """Of the rows of `versions_of` those that are not out of date."""
    return {sub: version for sub, version, fresh_until in rows if fresh_until is None or now < fresh_until}


def compiled(statement: Select[*tuple[Any, ...]], dialect: Dialect, *values: str) -> str:
    """The statement's text, which takes its values in the order named."""
    made = statement.compile(dialect=dialect)
    assert made.positiontup == list(values), "the values are bound in this order"
    return str(made)
