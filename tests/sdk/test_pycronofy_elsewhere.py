"""pycronofy, unmodified, goes the whole way with a calendar that lives elsewhere: connect, busy, link, book, the event
on the server, status. At a real Radicale, a real Xandikos, and the doubles of Google and Microsoft."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pycronofy
import pytest
from pycronofy import settings

from tests.api.connected import CalDavWorld, GoogleWorld, GraphWorld, World
from tests.center import ReadPage
from tests.contract.test_connector_caldav import Radicale, Xandikos, running
from tests.doubles import google, google_world, graph, graph_world
from tests.doubles.google import GoogleDouble
from tests.doubles.graph import GraphDouble
from tests.doubles.oauth import AuthorizationServer
from tests.sdk.site import Site, Visitor, at, moment
from tests.serving import LiveServer, serving

BACK = "https://application.example/back"
PATIENCE_S = 60


@dataclass
class Elsewhere:
    """A world, what the person types to connect it, and who is told where they come back to."""

    world: World
    typed: dict[str, str]
    comes_back_to: Callable[[str], object] = lambda _callback: None


def caldav(stack: ExitStack, kind: type, folder: Path) -> Elsewhere:
    server = stack.enter_context(running(kind, folder))
    typed = {"provider_name": "caldav", "address": server.url, "user": "alice", "password": "pw1"}
    return Elsewhere(CalDavWorld(server, "work"), typed)


def at_google(stack: ExitStack, _folder: Path) -> Elsewhere:
    double = stack.enter_context(GoogleDouble())
    known = (google.CLIENT_ID, google.CLIENT_SECRET)
    return by_oauth(GoogleWorld(double), double.oauth, google_world.ANN, *known)


def at_microsoft(stack: ExitStack, _folder: Path) -> Elsewhere:
    double = stack.enter_context(GraphDouble())
    return by_oauth(GraphWorld(double), double.oauth, graph_world.ANN, graph.CLIENT_ID, graph.CLIENT_SECRET)


def by_oauth(world: World, oauth: AuthorizationServer, person: str, client_id: str, secret: str) -> Elsewhere:
    oauth.signed_in = person
    typed = {"provider_name": world.provider_name}
    return Elsewhere(world, typed, lambda url: oauth.register(client_id, secret, url))


PROVIDERS: dict[str, Callable[[ExitStack, Path], Elsewhere]] = {
    "radicale": lambda stack, folder: caldav(stack, Radicale, folder),
    "xandikos": lambda stack, folder: caldav(stack, Xandikos, folder),
    "google": at_google,
    "microsoft": at_microsoft,
}


@pytest.fixture(params=PROVIDERS)
def elsewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Elsewhere]:
    with ExitStack() as stack:
        yield PROVIDERS[request.param](stack, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def served(elsewhere: Elsewhere, tmp_path: Path) -> Generator[LiveServer]:
    with serving(tmp_path, **elsewhere.world.variables) as server:
        elsewhere.comes_back_to(f"{server.url}/oauth/callback")
        yield server


@pytest.fixture
def client(served: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pycronofy.Client:
    site = Site(served, tmp_path)
    served.cli("applications", "redirects", "add", site.client_id, BACK)
    for host in ("API", "APP"):
        monkeypatch.setattr(settings, f"{host}_BASE_URL", site.url)
        monkeypatch.setattr(settings, f"{host}_REGION_FORMAT", "http://%s")
    return pycronofy.Client(client_id=site.client_id, client_secret=site.client_secret)


def connect(link: str, typed: dict[str, str]) -> str:
    """The person at the page, and at the provider's where there is one. The code that the application is sent."""
    with httpx2.Client(timeout=30) as browser:
        page = ReadPage(browser.get(link))
        token = next(value for form in page.forms for value in form.values("form_token"))
        answer = browser.post(link, data={"form_token": token, **typed})
        while not answer.headers["location"].startswith(BACK):
            answer = browser.get(answer.headers["location"])
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))["code"]


def until(what: str, holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.1)


def test_the_whole_way(elsewhere: Elsewhere, client: pycronofy.Client) -> None:
    world = elsewhere.world
    nine, ten, eleven = (int(moment(2, hour).timestamp()) for hour in (9, 10, 11))
    world.adds(nine, ten)
    client.get_authorization_from_code(connect(client.user_auth_link(BACK), elsewhere.typed), BACK)
    until(
        "what is there is read", lambda: list(client.read_events(tzid="Etc/UTC", from_date=at(1), to_date=at(4))) != []
    )
    [theirs] = client.read_events(tzid="Etc/UTC", from_date=at(1), to_date=at(4))
    assert (theirs["start"], theirs["end"]) == (at(2, 9), at(2, 10))
    sub = client.userinfo()["sub"]
    created = client.real_time_scheduling(
        availability={
            "participants": [{"members": [sub], "required": "all"}],
            "required_duration": 60,
            "available_periods": [{"start": moment(2, 9), "end": moment(2, 12)}],
        },
        oauth={"redirect_uri": "https://application.example/done"},
        event={"event_id": "interview", "summary": "Interview", "tzid": "Europe/London"},
        target_calendars=[{"sub": sub, "calendar_id": theirs["calendar_id"]}],
    )
    assert created["real_time_scheduling"]["status"] == "open"
    assert Visitor(created["url"]).book() == at(2, 10), "the first hour is taken in the calendar"
    link_id = created["real_time_scheduling"]["real_time_scheduling_id"]
    status = client.get_real_time_scheduling_status(real_time_scheduling_id=link_id)["real_time_scheduling"]
    assert (status["status"], status["event"]["start"]["time"]) == ("completed", at(2, 10))
    until("the event stands in the calendar", lambda: world.meetings() == [(nine, ten), (ten, eleven)])
