"""Access tokens of providers: renewed once, however many need one; what the provider gives is kept before it is used,
and what it refuses ends the connection once."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.app import open_deps
from slotlink.engine import Period
from slotlink.errors import AccessRevoked, ProviderUnavailable
from slotlink.services import provider_tokens
from slotlink.services.connecting import connect
from slotlink.services.deps import Deps
from slotlink.services.live import look_again
from slotlink.services.provider_tokens import StoredTokens
from slotlink.services.providers import read_stored
from slotlink.store import profiles, provider_credentials
from tests.api.connected import ConnectedPerson
from tests.api.faulty import FaultyGoogle, FaultyGraph
from tests.center import DAY, HOUR, START, Center, finished

TOMORROW = START + DAY
TOKEN = {"method": "POST", "path": "token$"}


class Setting:
    """Ann at a provider whose refresh token is another after every use, and the old one dead."""

    def __init__(self, center: Center, world: FaultyGoogle | FaultyGraph) -> None:
        self.center, self.world, self.service = center, world, world.service
        world.service.oauth.rotates = True
        world.service.oauth.keeps_rotated = False
        self.ann = ConnectedPerson(center, world)
        self.profile_id = self.ann.connected.profile_id

    def access_tokens_end(self) -> None:
        self.service.clock.now += 2 * HOUR

    def refreshes(self) -> int:
        return len(self.service.called("POST", "token"))

    def source(self, deps: Deps) -> StoredTokens:
        return StoredTokens(deps, self.center.client_id, self.profile_id, self.world.provider_name)

    async def kept(self, deps: Deps) -> dict[str, Any]:
        async with deps.database.reading() as connection:
            text = await provider_credentials.read_credentials(
                connection, deps.vault, self.center.client_id, self.profile_id
            )
        return read_stored(text or "{}")

    async def connected(self, deps: Deps) -> bool:
        async with deps.database.reading() as connection:
            found = await profiles.get_profile(connection, self.center.client_id, self.profile_id)
        return found.connected


@pytest.fixture(params=["google", "graph"])
def setting(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Setting]:
    world = request.getfixturevalue(f"faulty_{request.param}")
    with Center(tmp_path, SLOTLINK_CALENDAR_TIMEOUT="2", **world.variables) as center:
        yield Setting(center, world)


def test_an_access_token_that_is_over_is_renewed_and_everything_goes_on(setting: Setting) -> None:
    setting.access_tokens_end()
    link = setting.center.create_link(setting.ann)
    assert link.choose(link.page().slots[0]).code == 303
    assert setting.ann.work() == ["written"]
    assert setting.refreshes() == 1


def test_two_processes_at_once_send_one_refresh_and_both_go_on(setting: Setting) -> None:
    setting.access_tokens_end()

    async def both() -> list[str]:
        deps = [open_deps(setting.center.settings) for _ in range(2)]
        try:
            old = (await setting.kept(deps[0]))["access_token"]
            asking = [setting.source(each).access_token(old) for each in deps for _ in range(3)]
            return await asyncio.gather(*asking)
        finally:
            for each in deps:
                await each.database.close()

    found = finished(both())
    assert len(set(found)) == 1 and setting.refreshes() == 1
    assert setting.center.run(setting.kept)["access_token"] == found[0]
    setting.access_tokens_end()
    setting.ann.sync()
    assert setting.refreshes() == 2 and setting.center.run(setting.connected), "the new refresh token is the one kept"


def test_whoever_gives_up_waiting_loses_no_token(setting: Setting) -> None:
    """The provider has ended the old refresh token by the time that nobody waits for the answer any more."""
    setting.access_tokens_end()

    async def gives_up(deps: Deps) -> None:
        old = (await setting.kept(deps))["access_token"]
        held = setting.service.faults.hold(**TOKEN)
        asking = asyncio.create_task(setting.source(deps).access_token(old))
        while not setting.refreshes():
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        held.set()
        await asyncio.gather(*provider_tokens._RENEWING)
        assert (await setting.kept(deps))["access_token"] != old

    setting.center.run(gives_up)
    setting.ann.sync()
    assert setting.center.run(setting.connected) and setting.refreshes() == 1


def test_a_refresh_that_is_refused_disconnects_and_is_told(setting: Setting) -> None:
    link = setting.center.create_link(setting.ann)
    page = link.page()
    setting.access_tokens_end()
    setting.world.revokes()
    refused = link.choose(page.slots[0], page)
    assert (refused.code, refused.error) == (409, "unreadable")
    assert not setting.center.run(setting.connected)
    [profile] = setting.center.http.get("/v1/profiles", headers=setting.ann.key).json()["profiles"]
    assert profile["profile_connected"] is False
    before = len(setting.service.calls)
    setting.ann.sync()
    link.choose(page.slots[0], page)
    assert len(setting.service.calls) == before, "nobody asks with what was refused"


@pytest.mark.parametrize("how", ["answers 503", "hangs up", "hangs up once it is done", "says nothing that is one"])
def test_a_token_endpoint_that_is_away_disconnects_nobody(setting: Setting, how: str) -> None:
    setting.access_tokens_end()
    faults = setting.service.faults
    if how == "answers 503":
        faults.answer(503, b"", **TOKEN)
    elif how == "hangs up":
        faults.close_before(**TOKEN)
    elif how == "hangs up once it is done":
        setting.service.oauth.keeps_rotated = True  # as both providers do
        faults.close_after(**TOKEN)
    else:
        faults.answer(200, b"<html>", {"Content-Type": "text/html"}, **TOKEN)
    setting.ann.sync()
    assert setting.center.run(setting.connected)
    setting.center.clock.now += HOUR
    setting.ann.sync()
    assert setting.center.run(setting.connected) and setting.refreshes() >= 2


def test_whoever_died_with_the_lease_is_followed_by_another(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    setting.access_tokens_end()
    monkeypatch.setattr(provider_tokens, "WAIT_S", 0.2)

    async def follows(deps: Deps) -> str:
        old = (await setting.kept(deps))["access_token"]
        now = int(provider_tokens.time.time())
        async with deps.database.transaction() as connection:
            assert await provider_credentials.lease_refresh(
                connection, setting.center.client_id, setting.profile_id, now, 30
            )
        with pytest.raises(ProviderUnavailable):
            await setting.source(deps).access_token(old)
        assert setting.refreshes() == 0
        monkeypatch.setattr(provider_tokens.time, "time", lambda: now + 31)
        return await setting.source(deps).access_token(old)

    assert setting.center.run(follows)
    assert setting.refreshes() == 1


@pytest.mark.parametrize("meanwhile", ["signed in anew", "removed"])
def test_what_comes_of_a_refresh_is_not_kept_where_somebody_has_signed_in_or_gone_meanwhile(
    setting: Setting, meanwhile: str
) -> None:
    setting.access_tokens_end()
    application_id = setting.center.client_id

    async def crosses(deps: Deps) -> dict[str, Any]:
        old = (await setting.kept(deps))["access_token"]
        held = setting.service.faults.hold(**TOKEN)
        asking = asyncio.create_task(setting.source(deps).access_token(old))
        while not setting.refreshes():
            await asyncio.sleep(0.01)
        expected: dict[str, Any] = {}
        if meanwhile == "removed":
            async with deps.database.transaction() as connection:
                profile = await profiles.get_profile(connection, application_id, setting.profile_id)
                await profiles.remove(connection, application_id, profile)
        else:
            signed = await setting.world.sign_in(deps, START)
            await connect(deps, application_id, signed, now=START)
            expected = dict(signed.credentials)
        held.set()
        if meanwhile == "removed":
            with pytest.raises(AccessRevoked):
                await asking
        else:
            assert await asking == expected["access_token"]
        assert await setting.kept(deps) == expected
        return expected

    setting.center.run(crosses)


def test_a_refresh_that_takes_longer_than_a_visitor_waits_is_there_for_the_next(setting: Setting) -> None:
    setting.access_tokens_end()

    async def looks(deps: Deps) -> None:
        held = setting.service.faults.hold(**TOKEN)
        within = Period(TOMORROW, TOMORROW + HOUR)
        looking = asyncio.create_task(look_again(deps, setting.center.client_id, [setting.ann.sub], within, START))
        while not setting.refreshes():
            await asyncio.sleep(0.01)
        assert set((await looking).values()) == {False}, "not in time: unreadable"
        held.set()
        await asyncio.gather(*provider_tokens._RENEWING)
        again = await look_again(deps, setting.center.client_id, [setting.ann.sub], within, START)
        assert set(again.values()) == {True}

    setting.center.run(looks)
    assert setting.refreshes() == 1
