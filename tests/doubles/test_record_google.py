"""The recorder, against the double itself: no difference; and against doubles that differ: each is seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.doubles.google import CLIENT_ID, CLIENT_SECRET, GoogleDouble
from tests.doubles.record_google import SCRATCH, Row, differences, main, record, record_double, target_of
from tests.doubles.service import Clock

GONE = "changes of a deleted series"
PUSH = "https://slotlink.test/push"


@pytest.fixture(scope="module")
def ours() -> dict[str, Row]:
    return record_double(PUSH)


def test_the_double_does_not_differ_from_itself(
    google: GoogleDouble, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    target = target_of(google, clock, PUSH)
    environ = {
        "GOOGLE_API_URL": target.api_url,
        "GOOGLE_TOKEN_URL": target.token_url,
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_REFRESH_TOKEN": target.refresh_token,
        "GOOGLE_CALENDAR": SCRATCH,
        "GOOGLE_PUSH_ADDRESS": PUSH,
    }
    code = main(environ, [], wait=clock.advance)
    printed = capsys.readouterr().out
    assert (code, printed.splitlines()[-1].split(", ")[1]) == (0, "0 differences"), printed
    left = [one for one in google.store.calendars[SCRATCH].events.values() if not one.cancelled]
    assert left == []


def _other_code(google: GoogleDouble) -> None:
    google.faults.answer(409, {"error": {"errors": [{"reason": "conflict"}]}}, method="DELETE", skip=1)


def _other_member(google: GoogleDouble) -> None:
    google.listing.sparse_instances = True


def _other_span(google: GoogleDouble) -> None:
    google.freebusy.span_days = 200


def _other_kind_of_end(google: GoogleDouble) -> None:
    google.conferences.fails = True


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(_other_code, "delete again: reason conflict, the double has deleted", id="reason"),
        pytest.param(_other_member, f"{GONE}: only the double has items[].recurringEventId: str", id="member"),
        pytest.param(_other_span, "free and busy, too long: status 200, the double has 400", id="status"),
        pytest.param(_other_kind_of_end, "conference, later, status: fact failure, the double has success", id="fact"),
    ],
)
def test_what_differs_is_named(
    google: GoogleDouble, clock: Clock, ours: dict[str, Row], change: Callable[[GoogleDouble], None], line: str
) -> None:
    target = target_of(google, clock, PUSH)
    change(google)
    assert line in differences(record(target), ours)


def test_an_answer_that_stops_the_run_is_a_difference(google: GoogleDouble, clock: Clock, ours: dict[str, Row]) -> None:
    google.faults.answer(
        500, {"error": {"errors": [{"reason": "backendError"}]}}, path="/events$", method="GET", skip=5
    )
    rows = record(target_of(google, clock, PUSH))
    assert rows["stopped"].fact is not None
    assert any(line.startswith("stopped: fact after") for line in differences(rows, ours))
    assert all(one.cancelled for one in google.store.calendars[SCRATCH].events.values())


def test_what_is_missing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main({}, []) == 2
    assert "GOOGLE_CLIENT_ID is not set" in capsys.readouterr().err
