"""The worker that reads mirrors, where reading them breaks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from slotlink.errors import StoreUnavailable
from slotlink.services.deps import Deps
from slotlink.worker import synchronise
from slotlink.worker.synchronise import Synchroniser
from tests.api.connected import ConnectedPerson, GoogleWorld
from tests.center import START, Center, Clock
from tests.doubles.google import GoogleDouble


@pytest.mark.parametrize("fault", [StoreUnavailable("the disk is full"), KeyError("a bug")], ids=["disk", "bug"])
def test_what_cannot_even_be_claimed_is_not_tried_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """On a full disk it stays due, because nobody can write down that it was tried."""
    tried: list[str] = []
    broken = [True]

    async def sync_profile(_deps: Deps, _application_id: str, profile_id: str, _now: int) -> bool:
        tried.append(profile_id)
        if broken[0]:
            raise fault
        return True

    monkeypatch.setattr(synchronise, "sync_profile", sync_profile)
    with GoogleDouble() as google:
        world = GoogleWorld(google)
        with Center(tmp_path, clock=Clock(START), **world.variables) as center:
            ConnectedPerson(center, world, read=False)

            async def look_often(deps: Deps) -> None:
                synchroniser = Synchroniser(deps, center.clock)

                async def look() -> None:
                    await synchroniser._look()
                    await asyncio.gather(*synchroniser._reading.values())

                for _ in range(3):
                    await look()
                assert len(tried) == 1
                synchroniser._left_alone.clear()  # its time is up
                broken[0] = False
                for _ in range(2):
                    await look()
                assert len(tried) == 3, "and one that went well is looked at whenever it is due"

            center.run(look_often)
