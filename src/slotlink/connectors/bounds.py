"""How long an exchange may take, how much of an answer is taken in, and how long it may hold up everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import aiohttp

from slotlink.errors import ConnectorError, ProviderUnavailable

LARGE = 100_000  # bytes of an answer that are read beside the event loop
MANY = 50  # events that are translated there

T = TypeVar("T")


@asynccontextmanager
async def ending_in(seconds: float) -> AsyncGenerator[None]:
    """One deadline for everything inside. Raises ProviderUnavailable."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProviderUnavailable("no answer in time") from error


async def whole_body(
    response: aiohttp.ClientResponse,
    most_bytes: int,
    too_large: Callable[[str], ConnectorError],
    what: str = "the answer",
) -> bytes:
    """All of it, as it came over the wire: what is compressed would not be bounded, and is ProviderUnavailable. Raises
    `too_large` beyond `most_bytes`."""
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise ProviderUnavailable("the answer is compressed, which we did not ask for")
    taken = bytearray()
    async for chunk in response.content.iter_any():
        taken += chunk
        if len(taken) > most_bytes:
            response.close()
            raise too_large(f"{what} has more than {most_bytes} bytes")
    return bytes(taken)


async def beside(is_large: bool, work: Callable[..., T], *given: object) -> T:
    """`work(*given)`, in a thread where it would keep everybody else waiting."""
    return await asyncio.to_thread(work, *given) if is_large else work(*given)
