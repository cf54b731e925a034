"""Connections to PostgreSQL, all of them set up alike."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import asyncpg

CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 30
RECONNECT_S = 2
_CHECKED = ssl.create_default_context()
# What the driver raises for a server that cannot be reached, hangs up, or refuses; the last for one that hung up on an
# idle connection in the very turn in which it is used.
BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

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
    `target_session_attrs=read-write` takes the one that takes writes. Encrypted, with the server's certificate checked
    against the system's authorities, unless the server is this machine or the URL names an `sslmode`."""
    encrypted = {} if is_local(url) or "sslmode=" in url or "PGSSLMODE" in os.environ else {"ssl": _CHECKED}
    try:
        return await _connect(url, encrypted)
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise OSError(f"none of the servers is the one that takes writes: {error}") from error
    except OSError as error:
        if encrypted and "SSL" in str(error).upper():
            raise OSError(
                f"{error}. A connection to another machine must be encrypted: give its authority with "
                "?sslmode=verify-full&sslrootcert=FILE, or write ?sslmode=disable where the network is trusted"
            ) from error
        raise


def is_local(url: str) -> bool:
    """Whether every host that the URL names is this machine."""
    parts = urlsplit(url)
    named = [host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host for host in _hosts(parts)]
    named += [host for value in parse_qs(parts.query).get("host", []) for host in value.split(",")]
    return all(_is_this_machine(host.strip("[]")) for host in named)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost") or host.startswith("/")


def _hosts(parts: SplitResult) -> list[str]:
    return unquote(parts.netloc.rpartition("@")[2]).split(",")


async def _connect(url: str, encrypted: dict[str, Any]) -> Any:
    # asyncpg has no types of its own.
    return await asyncpg.connect(  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        url,
        timeout=CONNECT_TIMEOUT_S,
        # Beyond the server's own timeout: for a server that says nothing at all any more.
        command_timeout=STATEMENT_TIMEOUT_S + 5,
        server_settings=SESSION,
        **encrypted,
    )


async def listen(url: str, channel: str, heard: Callable[[], None]) -> None:
    """Call `heard` for every notification on `channel`, and whenever connected anew: something may have been missed.

    Runs until cancelled; a server that is away is asked again every `RECONNECT_S`."""
    while True:
        try:
            await _listen_once(await connect(url), channel, heard)
        except BROKEN:
            await asyncio.sleep(RECONNECT_S)


async def _listen_once(connection: Any, channel: str, heard: Callable[[], None]) -> None:
    """Until the connection ends."""
    gone = asyncio.Event()

    def on_end(_connection: Any) -> None:
        gone.set()

    def on_notification(*_notification: Any) -> None:
        heard()

    try:
        connection.add_termination_listener(on_end)
        await connection.add_listener(channel, on_notification)
        heard()
        await gone.wait()
    finally:
        connection.terminate()
