"""What every connector makes of a provider that does not answer, or not in time: subclassed in each one's own file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import ModuleType
from typing import Any

import pytest
from tests.hostile import Talk, drips, half_close, hang, never_read, reset

from slotlink.errors import ConnectorError, ProviderUnavailable


def silences(status: bytes) -> dict[str, Talk]:
    """Ways of not answering; `status` is how an answer begins that would be welcome."""
    head = b"HTTP/1.1 " + status + b"\r\n"
    return {
        "hangs": hang,
        "never reads": never_read,
        "drips a head": drips(head, b"X-More: 1\r\n"),
        "drips a body": drips(head + b"Content-Length: 9999\r\n\r\n", b" "),
        "resets": reset,
        "closes": half_close,
    }


class SilenceContract:
    """calls      every call of the connector, by name
    ask        (call, talk, deadline) -> the error it ended in
    client     the module with REQUEST_S, which bounds one exchange
    talks      ways of not answering
    """

    calls: Mapping[str, Any]
    ask: Callable[..., Awaitable[ConnectorError | None]]
    client: ModuleType
    talks: Mapping[str, Talk]

    @pytest.mark.parametrize("name", silences(b"200 OK"))
    async def test_silence_ends_at_the_deadline(self, name: str) -> None:
        await self.ends(self.talks[name])

    async def ends(self, talk: Talk) -> None:
        async def ended(call: Any) -> None:
            started = time.monotonic()
            assert isinstance(await type(self).ask(call, talk, deadline=0.3), ProviderUnavailable)
            assert time.monotonic() - started < 10

        await asyncio.gather(*map(ended, self.calls.values()))

    async def test_no_single_request_uses_up_a_long_deadline(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(self.client, "REQUEST_S", 0.3)
        started = time.monotonic()
        found = await type(self).ask(self.calls["changes"], self.talks["drips a body"], deadline=60)
        assert isinstance(found, ProviderUnavailable)
        assert time.monotonic() - started < 20
