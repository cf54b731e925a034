"""The version before the newest migration and this one, side by side over one database (expand/contract).

The earlier version is taken from the repository's history, so a shallow clone cannot show it."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Generator
from pathlib import Path

import pytest

import slotlink
from tests.center import CreatedLink, skippable
from tests.faults.live import LiveCenter
from tests.forked import run_command
from tests.postgresql import Cluster
from tests.serving import Receiver, environ_for, serving

ROOT = Path(slotlink.__file__).parents[2]
MIGRATIONS = "src/slotlink/store/migrations/versions"


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the last commit that did not know the newest migration."""
    newest = sorted(path.name for path in (ROOT / MIGRATIONS).glob("[0-9]*.py"))[-1]
    try:
        shallow = git("rev-parse", "--is-shallow-repository").strip() == b"true"
        added = [] if shallow else git("log", "--diff-filter=A", "--format=%H", "--", f"{MIGRATIONS}/{newest}").split()
    except (OSError, subprocess.CalledProcessError):
        shallow, added = True, []
    if not added:
        reason = "no history" if shallow else f"{newest} is not committed yet"
        if shallow or skippable("the repository's history"):
            pytest.skip(f"SKIPPED LOUDLY: a rolling upgrade is not shown, {reason}")
        pytest.fail(f"a rolling upgrade cannot be shown: {reason}")
    folder = tmp_path_factory.mktemp("earlier")
    with tarfile.open(fileobj=io.BytesIO(git("archive", f"{added[-1].decode()}~1", "src"))) as archive:
        archive.extractall(folder, filter="data")
    assert not (folder / MIGRATIONS / newest).exists()
    return folder / "src"


@pytest.fixture(scope="module")
def receiver() -> Generator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def both(
    earlier: Path, cluster: Cluster, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[LiveCenter, LiveCenter]]:
    """The earlier version's server, started before the migration as in an upgrade, and this version's beside it."""
    variables = {"SLOTLINK_DATABASE_URL": cluster.new_database(), "SLOTLINK_CALLBACK_ALLOW": receiver.host}
    folder = tmp_path_factory.mktemp("upgrade")
    old = {**variables, "PYTHONPATH": str(earlier)}
    subprocess.run([sys.executable, "-m", "slotlink", "migrate"], env=environ_for(folder, **old), check=True)
    with serving(folder, **old) as before:
        # Made by the earlier version before the migration; its commands, unlike its server, refuse a newer schema.
        made = before.cli("applications", "create", "Globex", "--json")
        migrated = run_command(environ_for(folder, **variables), "migrate")
        assert migrated.code == 0 and "→" in migrated.out
        with (
            serving(folder, **variables) as after,
            LiveCenter(before, made["client_id"], made["client_secret"]) as one,
            LiveCenter(after, made["client_id"], made["client_secret"]) as other,
        ):
            yield one, other


@pytest.mark.parametrize("made_by", [0, 1])
@pytest.mark.parametrize("booked_by", [0, 1])
def test_a_link_of_one_version_is_booked_with_the_other(
    both: tuple[LiveCenter, LiveCenter], receiver: Receiver, made_by: int, booked_by: int
) -> None:
    maker, booker = both[made_by], both[booked_by]
    name = f"{made_by}{booked_by}"
    maya, jonas = maker.person(f"maya-{name}"), booker.person(f"jonas-{name}")
    link = maker.create_link(
        maya,
        jonas,
        event={"event_id": name, "summary": "Interview", "tzid": "Europe/London"},
        callback_urls={"completed_url": f"{receiver.url}/{name}"},
    )
    # Each server has an address of its own: the token is what they share. A form is signed by whoever showed it.
    seen, earlier_page = CreatedLink(booker, link.created), link.page()
    page = seen.page()
    assert seen.choose(page.slots[0], page).code == 303
    statuses = [
        center.http.get("/v1/real_time_scheduling", params={"token": link.token}, headers=center.key).json()
        for center in both
    ]
    for status in statuses:
        status["real_time_scheduling"].pop("url")
    assert statuses[0] == statuses[1]
    assert statuses[0]["real_time_scheduling"]["status"] == "completed"
    received = receiver.received.get(timeout=15)
    assert received.path == f"/{name}"
    assert link.choose(page.slots[1], earlier_page).error == "not_open"


@pytest.mark.parametrize("disabled_by", [0, 1])
def test_a_link_disabled_with_one_version_is_disabled_for_the_other(
    both: tuple[LiveCenter, LiveCenter], disabled_by: int
) -> None:
    maker, disabler = both[1 - disabled_by], both[disabled_by]
    link = maker.create_link(maker.person(f"ada-{disabled_by}"))
    assert disabler.disable(link).status_code == 200
    for center in both:
        answer = center.http.get(f"/v1/real_time_scheduling/{link.link_id}", headers=center.key)
        assert answer.json()["real_time_scheduling"]["status"] == "disabled"


def test_rules_of_one_version_are_read_by_the_other(both: tuple[LiveCenter, LiveCenter]) -> None:
    old, new = both
    maya = new.person("maya-rules")
    rule = {
        "availability_rule_id": "office",
        "tzid": "Europe/London",
        "weekly_periods": [{"day": "monday", "start_time": "09:00", "end_time": "12:00"}],
    }
    assert new.http.post("/v1/availability_rules", json=rule, headers=maya.key).status_code == 200
    found = old.http.get("/v1/availability_rules/office", headers=maya.key)
    assert found.json()["availability_rule"]["weekly_periods"] == rule["weekly_periods"]


def test_the_earlier_version_goes_on_being_alive(both: tuple[LiveCenter, LiveCenter]) -> None:
    assert [center.http.get("/healthz").status_code for center in both] == [200, 200]
    assert both[1].http.get("/readyz").status_code == 200
