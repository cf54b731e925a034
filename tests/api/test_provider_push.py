"""Google tells us of changes: watches made, renewed and dropped, and what is heard through them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slotlink.domain.event import wire_time
from slotlink.errors import StoreUnavailable
from slotlink.services.authorization import revoke_profile
from slotlink.services.deps import Deps
from slotlink.services.watching import LEASE_S, keep_watches, push_base, stop_watching
from slotlink.settings import Settings
from slotlink.vault import new_key
from slotlink.worker import watches as worker
from tests.api.connected import ConnectedPerson, GoogleWorld
from tests.api.pushing import API_URL, Door, columns, due, keep, read_due
from tests.center import DAY, HOUR, START, Center, Clock, CreatedLink
from tests.doubles import google_world
from tests.doubles.google import GoogleDouble

PATH = "/providers/google/push"
TOMORROW = START + DAY
NINE, TEN, ELEVEN = (TOMORROW + hour * HOUR for hour in range(3))
WEEK = 7 * DAY
NOT_WATCHED = {
    "error": {"code": 400, "errors": [{"domain": "global", "reason": "pushNotSupportedForRequestedResource"}]}
}


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def google(clock: Clock) -> Generator[GoogleDouble]:
    with GoogleDouble(clock) as google:
        yield google


@pytest.fixture
def world(google: GoogleDouble) -> GoogleWorld:
    return GoogleWorld(google)


@pytest.fixture
def center(world: GoogleWorld, clock: Clock, tmp_path: Path) -> Generator[Center]:
    with Center(tmp_path, clock=clock, SLOTLINK_LIMIT_UNKNOWN="5/m", **world.variables) as center:
        yield center


@pytest.fixture(autouse=True)
def door(center: Center, google: GoogleDouble) -> Generator[Door]:
    door = Door(center)
    google.push.routes[API_URL] = door.url
    yield door
    door.close()


@pytest.fixture
def ann(center: Center, world: GoogleWorld) -> ConnectedPerson:
    """Watched, and read since."""
    ann = ConnectedPerson(center, world)
    keep(center)
    read_due(center)
    return ann


@pytest.fixture
def link(center: Center, ann: ConnectedPerson) -> CreatedLink:
    return center.create_link(ann)


def first_slot(link: CreatedLink) -> str:
    return link.page().slots[0]


def test_a_watch_says_hello_and_nothing_is_read_for_it(center: Center, google: GoogleDouble) -> None:
    ann = ConnectedPerson(center, GoogleWorld(google))
    assert google.push.channels == {} and not due(center)
    keep(center)
    [channel] = google.push.channels.values()
    assert channel.address == API_URL + PATH and channel.id == columns(center, ann.calendar_id).watch_id
    assert channel.token is not None and len(channel.token) > 64
    assert read_due(center) == 1, "once more: it may have changed before the watch was there"
    assert [notice.headers["X-Goog-Resource-State"] for notice in google.push.notices] == ["sync"]
    assert google.push.deliver() == [202]
    assert not due(center)
    keep(center)
    assert list(google.push.channels) == [channel.id], "and it stays as it is"


def test_only_what_has_been_read_is_watched(center: Center, world: GoogleWorld, google: GoogleDouble) -> None:
    ConnectedPerson(center, world, read=False)
    keep(center)
    assert google.push.channels == {}


@pytest.mark.usefixtures("ann")
def test_a_change_is_read_at_once(center: Center, world: GoogleWorld, google: GoogleDouble, link: CreatedLink) -> None:
    assert first_slot(link) == wire_time(NINE)
    google.push.notices.clear()
    world.adds(NINE, TEN)
    assert first_slot(link) == wire_time(NINE), "nobody has told yet"
    assert not due(center)
    assert google.push.deliver() == [202]
    assert read_due(center) == 1
    assert first_slot(link) == wire_time(TEN)
    assert not due(center)


@pytest.mark.usefixtures("ann")
def test_doubled_and_reordered_notices_are_one_read(
    center: Center, world: GoogleWorld, google: GoogleDouble, link: CreatedLink
) -> None:
    google.push.notices.clear()
    google.push.doubled = 1
    world.adds(NINE, TEN)
    world.adds(TEN, ELEVEN)
    google.push.notices.reverse()
    assert google.push.deliver() == [202] * 3
    read = len(google.called("GET", "/events"))
    assert read_due(center) == 1
    assert len(google.called("GET", "/events")) == read + 1
    assert first_slot(link) == wire_time(ELEVEN)


@pytest.mark.usefixtures("ann")
def test_a_lost_notice_is_made_good_by_the_poll(
    center: Center, world: GoogleWorld, google: GoogleDouble, link: CreatedLink
) -> None:
    google.push.notices.clear()
    google.push.lost = 1
    world.adds(NINE, TEN)
    assert google.push.deliver() == [] and not due(center)
    center.clock.now += 600
    assert read_due(center) == 1
    assert first_slot(link) == wire_time(TEN)


@pytest.mark.parametrize(
    "changed",
    [{"X-Goog-Channel-Token": "guess"}, {"X-Goog-Channel-Token": ""}, {"X-Goog-Channel-ID": "wat_unknown"}, {}],
    ids=["wrong token", "no token", "unknown channel", "known"],
)
def test_strangers_are_not_heard_and_told_nothing(
    center: Center, ann: ConnectedPerson, google: GoogleDouble, changed: dict[str, str]
) -> None:
    [channel] = google.push.channels.values()
    known = {"X-Goog-Channel-ID": channel.id, "X-Goog-Channel-Token": channel.token or ""}
    answer = center.http.post(PATH, headers={"X-Goog-Resource-State": "exists", **known, **changed})
    assert (answer.status_code, answer.content) == (202, b"")
    assert bool(due(center)) == (not changed)


@pytest.mark.parametrize("watch_id", ["", "'; --", "w" * 41, "wat_\xff", "wat_1 "], ids=repr)
def test_strange_channel_ids(center: Center, watch_id: str) -> None:
    headers = {b"X-Goog-Channel-ID": watch_id.encode("latin-1"), b"X-Goog-Channel-Token": b"\xff" * 300}
    assert center.http.post(PATH, headers=headers).status_code == 202  # type: ignore[arg-type]


@pytest.mark.usefixtures("ann")
def test_strangers_have_a_limit_that_keeps_nobody_else_out(center: Center, google: GoogleDouble) -> None:
    google.push.deliver()
    codes = [center.http.post(PATH, headers={"X-Goog-Channel-ID": "wat_1"}).status_code for _ in range(7)]
    assert codes == [202] * 5 + [429] * 2
    google.person(google_world.ANN).creates(NINE, TEN)
    assert google.push.deliver() == [202] and due(center)
    assert center.http.post(PATH, headers={"X-Goog-Resource-State": "sync"}).status_code == 202, "hellos are free"


def test_bodies_are_bounded_and_other_methods_refused(center: Center) -> None:
    assert center.http.post(PATH, content=b"x" * (256 * 1024 + 1)).status_code == 413
    assert center.http.get(PATH).status_code == 405


@pytest.mark.parametrize("life", [WEEK, 3600, 40], ids=["a week", "an hour", "next to nothing"])
def test_with_half_of_its_life_left_a_new_watch_takes_the_place(
    center: Center, world: GoogleWorld, google: GoogleDouble, life: int
) -> None:
    google.push.longest_s = life
    ConnectedPerson(center, world)
    keep(center)
    read_due(center)
    [old] = google.push.channels
    half = max(life // 2, 60)
    center.clock.now += half - 1
    keep(center)
    assert list(google.push.channels) == [old]
    google.push.notices.clear()
    center.clock.now += 1
    keep(center)
    [new] = google.push.channels
    assert new != old
    done = [call.path.rpartition("/")[2] for call in google.called("POST", "/calendar/v3/") if call.status != 401]
    assert done == ["watch", "watch", "stop"], "the new one first: nothing is missed between them"
    read_due(center)
    world.adds(NINE, TEN)
    assert set(google.push.deliver()) == {202} and due(center)


def test_a_watch_that_ended_while_nobody_worked_is_made_anew(
    center: Center, ann: ConnectedPerson, google: GoogleDouble, world: GoogleWorld
) -> None:
    [old] = google.push.channels
    center.clock.now += 2 * WEEK
    keep(center)
    assert old not in google.push.channels or len(google.push.channels) == 1
    read_due(center)
    google.push.notices.clear()
    world.adds(NINE + 3 * WEEK, TEN + 3 * WEEK)
    assert google.push.deliver() == [202] and due(center)
    assert columns(center, ann.calendar_id).watch_id != old


def test_a_provider_that_is_away_is_left_alone_and_read_all_the_same(
    center: Center, world: GoogleWorld, google: GoogleDouble
) -> None:
    ann = ConnectedPerson(center, world)
    google.fail("backendError", path="/watch", times=100)
    keep(center)
    asked = len(google.called("POST", "/watch"))
    keep(center)
    assert len(google.called("POST", "/watch")) == asked, "not again at once"
    assert columns(center, ann.calendar_id).watch_id is None
    center.clock.now += 450
    google.faults.clear()
    assert read_due(center) == 1
    keep(center)
    assert len(google.push.channels) == 1


def test_the_old_watch_is_kept_where_a_new_one_cannot_be_had(
    center: Center, ann: ConnectedPerson, google: GoogleDouble, world: GoogleWorld
) -> None:
    [old] = google.push.channels
    center.clock.now += WEEK // 2
    google.fail("backendError", path="/watch", times=100)
    keep(center)
    google.faults.clear()
    assert list(google.push.channels) == [old]
    read_due(center)
    google.push.notices.clear()
    world.adds(NINE, TEN)
    assert google.push.deliver() == [202] and due(center)
    center.clock.now += 450
    keep(center)
    [new] = google.push.channels
    assert new != old and columns(center, ann.calendar_id).watch_id == new


@pytest.mark.parametrize(
    ("refusal", "pause"), [(NOT_WATCHED, DAY), ({"error": {"code": 400}}, HOUR)], ids=["never", "no"]
)
def test_a_calendar_that_is_not_told_of_is_polled(
    center: Center, world: GoogleWorld, google: GoogleDouble, refusal: object, pause: int
) -> None:
    ann = ConnectedPerson(center, world)
    google.faults.answer(400, refusal, path="/watch", times=100)
    keep(center)
    center.clock.now += pause - 1
    keep(center)
    assert len(google.called("POST", "/watch")) == 1
    assert columns(center, ann.calendar_id).watch_id is None
    world.adds(NINE, TEN)
    assert read_due(center) == 1, "by the poll"
    google.faults.clear()
    center.clock.now += 1
    keep(center)
    assert len(google.push.channels) == 1


def test_a_watch_that_is_refused_anew_is_stopped(center: Center, ann: ConnectedPerson, google: GoogleDouble) -> None:
    center.clock.now += WEEK // 2
    google.faults.answer(400, NOT_WATCHED, path="/watch", times=100)
    keep(center)
    row = columns(center, ann.calendar_id)
    assert (row.watch_id, row.watch_remote_id, row.sealed_watch_secret) == (None, None, None)
    assert google.push.channels == {}


def test_who_works_at_the_same_time_makes_one_watch(center: Center, world: GoogleWorld, google: GoogleDouble) -> None:
    ConnectedPerson(center, world)

    async def twice(deps: Deps) -> None:
        await asyncio.gather(*(keep_watches(deps, int(center.clock())) for _ in range(3)))

    center.run(twice)
    assert len(google.called("POST", "/watch")) == 1


def test_a_watch_that_came_too_late_is_stopped(center: Center, world: GoogleWorld, google: GoogleDouble) -> None:
    """Whoever asked for it held the claim for too long, and somebody else has made another."""
    ann = ConnectedPerson(center, world)
    held = google.faults.hold(path="/watch")
    with ThreadPoolExecutor(1) as thread:
        slow = thread.submit(keep, center)
        while not google.called("POST", "/watch"):
            time.sleep(0.01)
        center.clock.now += LEASE_S
        keep(center)
        [other] = google.push.channels
        held.set()
        slow.result()
    assert len(google.called("POST", "/watch")) == 2
    assert list(google.push.channels) == [other] == [columns(center, ann.calendar_id).watch_id]


def test_revoked_access_drops_the_watch(
    center: Center, ann: ConnectedPerson, world: GoogleWorld, google: GoogleDouble
) -> None:
    [channel] = google.push.channels.values()
    world.revokes()
    ann.sync()
    keep(center)
    assert columns(center, ann.calendar_id).watch_id is None
    heard = {"X-Goog-Channel-ID": channel.id, "X-Goog-Channel-Token": channel.token or ""}
    assert center.http.post(PATH, headers={"X-Goog-Resource-State": "exists", **heard}).status_code == 202
    keep(center)
    assert len(google.called("POST", "/watch")) == 1, "not before somebody connects anew"


def test_a_calendar_that_is_gone_loses_its_watch(center: Center, world: GoogleWorld, google: GoogleDouble) -> None:
    ben = google.person(google_world.BEN)
    team = ben.makes_calendar("team@group.calendar.google.com", "Team")
    ben.shares(team, google_world.ANN, "writer")
    ConnectedPerson(center, world)
    keep(center)
    read_due(center)
    assert len(google.push.channels) == 2
    ben.shares(team, google_world.ANN, None)
    center.clock.now += 600
    read_due(center)
    keep(center)
    assert len(google.push.channels) == 1
    assert len(google.called("POST", "/watch")) == 2


def test_signing_out_stops_the_watch(center: Center, ann: ConnectedPerson, google: GoogleDouble) -> None:
    async def sign_out(deps: Deps) -> None:
        await stop_watching(deps, center.client_id, ann.profile_id)
        await revoke_profile(deps, center.client_id, ann.sub, ann.profile_id)

    center.run(sign_out)
    assert google.push.channels == {}
    keep(center)
    assert len(google.called("POST", "/watch")) == 1


def test_push_that_is_switched_off_stops_what_there_is(
    center: Center, ann: ConnectedPerson, google: GoogleDouble
) -> None:
    off = center.settings.model_copy(update={"calendar_push": "off"})

    async def keep_off(deps: Deps) -> None:
        await keep_watches(Deps(deps.database, deps.vault, off), int(center.clock()))

    center.run(keep_off)
    assert google.push.channels == {} and columns(center, ann.calendar_id).watch_id is None
    center.run(keep_off)
    assert len(google.called("POST", "/watch")) == 1


def test_the_worker_keeps_watches_whatever_went_wrong_before(
    center: Center, world: GoogleWorld, google: GoogleDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    ConnectedPerson(center, world)
    faults: list[Exception] = [StoreUnavailable("away"), ValueError("a bug")]

    async def keep_at_last(deps: Deps, now: int) -> bool:
        if faults:
            raise faults.pop()
        return await keep_watches(deps, now)

    monkeypatch.setattr(worker, "keep_watches", keep_at_last)
    monkeypatch.setattr(worker, "EVERY_S", 0.01)

    async def work(deps: Deps) -> None:
        task = asyncio.create_task(worker.keep_watching(deps, center.clock))
        async with asyncio.timeout(20):
            while not google.push.channels:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    center.run(work)
    assert len(google.push.channels) == 1


@pytest.mark.parametrize(
    ("url", "push", "expected"),
    [
        ("https://api.example.com", "auto", "https://api.example.com"),
        ("https://example.com/slotlink/", "auto", "https://example.com/slotlink"),
        ("https://api.example.com", "off", None),
        ("http://api.example.com", "auto", None),
        ("https://localhost:8443", "auto", None),
        ("https://slotlink.localhost", "auto", None),
        ("https://127.0.0.1", "auto", None),
        ("https://[::1]:8443", "auto", None),
        ("", "auto", None),
    ],
)
def test_where_providers_can_reach_us(tmp_path: Path, url: str, push: str, expected: str | None) -> None:
    given = {"SLOTLINK_DATA_DIR": str(tmp_path), "SLOTLINK_SECRET_KEYS": new_key()}
    settings = Settings.from_environ({**given, "SLOTLINK_API_URL": url, "SLOTLINK_CALENDAR_PUSH": push})
    assert push_base(settings) == expected
