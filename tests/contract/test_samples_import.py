"""Every sample by way of `slotlink calendars import`: the command itself, and then what is stored as busy."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from slotlink import cli, cli_calendars
from tests.api.asking import change, rows
from tests.center import DAY, Center, Person
from tests.samples.sample import FOLDER, READABLE, REFUSED, Sample, Taken, taken_in

KNOWN_AHEAD = 400 * DAY  # an import expands repeating events this far


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("import")


@pytest.fixture(scope="module")
def center(folder: Path) -> Generator[Center]:
    with Center(folder) as center:
        yield center


@pytest.fixture
def run(center: Center, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on the center's store at a moment."""
    monkeypatch.setenv("SLOTLINK_DATA_DIR", str(folder))
    [key] = center.settings.secret_keys
    monkeypatch.setenv("SLOTLINK_SECRET_KEYS", urlsafe_b64encode(key).decode())

    def run(now: int, *arguments: str) -> Any:
        monkeypatch.setattr(cli_calendars, "time", SimpleNamespace(time=lambda: now))
        return CliRunner().invoke(cli.cli, ["calendars", "import", *arguments, "--json"])

    return run


def person_in(center: Center, sample: Sample) -> Person:
    """Somebody whose calendar has the sample's zone."""
    person = center.person(sample.name)
    change(center, "UPDATE calendars SET tzid = ? WHERE calendar_id = ?", sample.zone, person.calendar_id)
    return person


def stored(center: Center, person: Person, sample: Sample) -> Taken:
    query = "SELECT kind, start_at, end_at FROM busy_periods WHERE calendar_id = ?"
    with rows(center) as connection:
        return taken_in(sample.window, map(tuple, connection.execute(query, [person.calendar_id])))


@pytest.mark.parametrize("sample", READABLE, ids=lambda sample: sample.name)
def test_an_imported_sample_means_the_same(sample: Sample, center: Center, run: Any) -> None:
    person = person_in(center, sample)
    for _ in range(2):  # and again, by UID
        done = run(sample.window.end - KNOWN_AHEAD, str(FOLDER / f"{sample.name}.ics"), "--account", person.sub)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["calendar_id"] == person.calendar_id
        assert stored(center, person, sample) == sample.unowned


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_a_sample_that_nobody_can_answer_for_is_not_imported(sample: Sample, center: Center, run: Any) -> None:
    person = person_in(center, sample)
    done = run(sample.window.end - KNOWN_AHEAD, str(FOLDER / f"{sample.name}.ics"), "--account", person.sub)
    assert done.exit_code == 1 and done.stdout == "", done.output
    assert stored(center, person, sample) == {"busy": [], "tentative": []}
