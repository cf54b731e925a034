"""Connections to PostgreSQL, all of them set up alike."""

from __future__ import annotations

from typing import Any

import asyncpg

CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 30

# Of a session, as the server's own settings. What a node held when it died or froze is let go within a minute or so.
SESSION = {
    "application_name": "slotlink",
    "statement_timeout": f"{STATEMENT_TIMEOUT_S}s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}


async def connect(url: str) -> Any:
    """Open a connection to `postgresql://…`, with libpq's parameters: several hosts are tried in their order,
    `target_session_attrs=read-write` takes the one that takes writes."""
    return await asyncpg.connect(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        url,
        timeout=CONNECT_TIMEOUT_S,
        # Beyond the server's own timeout: for a server that says nothing at all any more.
        command_timeout=STATEMENT_TIMEOUT_S + 5,
        server_settings=SESSION,
    )
