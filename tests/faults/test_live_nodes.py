"""Open pages and processes: changes that another one makes, and a server that is told to stop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from slotlink.services import live_offers
from tests.api.asking import at, ics_time
from tests.api.following import Following, Heard, Stream, digest_of
from tests.center import START, Clock
from tests.faults.live import LiveCenter
from tests.forked import run_command
from tests.postgresql import Cluster
from tests.serving import environ_for, serving

FILE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:dentist@test
DTSTAMP:20270101T000000Z
DTSTART:{start}
DTEND:{end}
SUMMARY:Dentist
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture
def served(on_engine: dict[str, str], tmp_path: Path) -> Generator[Following]:
    with Following(tmp_path, clock=Clock(START), **on_engine) as served:
        yield served


def test_a_page_hears_of_a_file_that_a_command_imports(served: Following, tmp_path: Path) -> None:
    maya = served.person("maya")
    link = served.create_link(maya)
    file = tmp_path / "dentist.ics"
    file.write_text(FILE.format(start=ics_time(at(2)), end=ics_time(at(3))))
    variables = {"SLOTLINK_DATABASE_URL": served.settings.url_of_database}
    with served.follow(link) as stream:
        before = stream.next()
        assert before == Heard("times", served.digest(link))
        environ = environ_for(tmp_path, **variables)
        environ["SLOTLINK_SECRET_KEYS"] = served.secret_keys
        done = run_command(environ, "calendars", "import", str(file), "--account", maya.sub)
        assert done.code == 0, done.err
        after = stream.next()
        assert after != before and after == Heard("times", served.digest(link))


@pytest.fixture
def only_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by itself: what is heard was told."""
    monkeypatch.setattr(live_offers, "POLL_S", 3600.0)


@pytest.fixture
def url(cluster: Cluster) -> str:
    return cluster.migrated_database()


def test_a_page_at_one_node_hears_of_what_is_written_at_another(tmp_path: Path, url: str, only_notices: None) -> None:
    with Following(tmp_path, SLOTLINK_DATABASE_URL=url, clock=Clock(time.time())) as here:
        environ = {"SLOTLINK_DATABASE_URL": url, "SLOTLINK_SECRET_KEYS": here.secret_keys}
        with (
            serving(tmp_path, arguments=("--no-background",), **environ) as server,
            LiveCenter(server, here.client_id, here.client_secret) as there,
        ):
            maya = there.person("maya")
            link = there.create_link(maya)
            with Stream(here.address, f"{link.path}/live") as stream:
                assert stream.next() == Heard("times", there_digest(there, link.path))
                for number in range(3):
                    start = there.tomorrow + number * 7200
                    maya.event(f"event-{number}", start, start + 1800)
                    assert stream.next() == Heard("times", there_digest(there, link.path))
                there.disable(link)
                assert stream.next() == Heard("closed", "disabled")
                assert stream.next() is None


def there_digest(there: LiveCenter, path: str) -> str:
    return digest_of(there.http.get(path).text)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_told_to_stop_ends_its_streams_at_once(tmp_path: Path, url: str, workers: int) -> None:
    arguments = ("--workers", str(workers)) if workers > 1 else ()
    with (
        serving(tmp_path, arguments=arguments, SLOTLINK_DATABASE_URL=url) as server,
        LiveCenter.at(server, server._environ) as center,
        contextlib.ExitStack() as stack,
    ):
        link = center.create_link(center.person("maya"))
        streams = [stack.enter_context(Stream(server.url, f"{link.path}/live")) for _ in range(40)]
        assert len({stream.next() for stream in streams}) == 1
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 5, "it waited for the streams"
        assert [stream.next() for stream in streams] == [None] * len(streams), "each is ended as it should be"
