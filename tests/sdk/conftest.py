"""One serving process, one receiver of callbacks and one calendar of several pages for all clients of this folder."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sdk.site import CROWD, Site, at
from tests.serving import Receiver, serving


@pytest.fixture(scope="session")
def receiver() -> Generator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Generator[Site]:
    """`slotlink serve` with one application, reached as clients reach it."""
    folder = tmp_path_factory.mktemp("site")
    with serving(folder, SLOTLINK_CALLBACK_ALLOW=receiver.host) as server:
        yield Site(server, folder)


@pytest.fixture(scope="session")
def crowded(site: Site) -> dict[str, str]:
    """An application calendar with more events than one page holds: `CROWD` of them, a quarter of an hour each. And as
    many available periods, in the same places."""
    person = site.application_calendar("crowded")

    def write(number: int) -> set[int]:
        times = {"start": at(20, 0, 15 * number), "end": at(20, 0, 15 * number + 15)}
        event = {"event_id": f"crowd-{number:03}", "summary": f"Meeting {number}", **times}
        period = {"available_period_id": f"crowd-{number:03}", **times}
        calls = ((f"/v1/calendars/{person['calendar_id']}/events", event), ("/v1/available_periods", period))
        return {site.call("POST", path, body, person["access_token"]).status for path, body in calls}

    with ThreadPoolExecutor(8) as threads:
        assert set().union(*threads.map(write, range(CROWD))) == {202}
    return person
