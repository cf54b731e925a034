"""pycronofy, unmodified, has a person connect a CalDAV account to `slotlink serve`, and works with it."""

from __future__ import annotations

import time
from collections.abc import Generator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pycronofy
import pytest
from pycronofy import settings
from pycronofy.exceptions import PyCronofyRequestError

from tests.api.connecting import make_calendar
from tests.center import ReadPage
from tests.contract.test_connector_caldav import CalDavServer, Radicale, running
from tests.doubles.mail import MailServer
from tests.sdk.site import Site, at, send
from tests.serving import LiveServer, serving

BACK = "https://application.example/back"


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Generator[CalDavServer]:
    folder = tmp_path_factory.mktemp("radicale")
    with running(Radicale, folder) as server:
        make_calendar(server, "Work")
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connecting")


@pytest.fixture(scope="module")
def mails() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def served(folder: Path, radicale: CalDavServer, mails: MailServer) -> Generator[LiveServer]:
    allowed = radicale.url.removeprefix("http://")
    with serving(folder, SLOTLINK_CALENDAR_ALLOW=allowed, **mails.variables) as server:
        yield server


@pytest.fixture(scope="module")
def connecting(served: LiveServer, folder: Path) -> Site:
    site = Site(served, folder)
    added = served.cli("applications", "redirects", "add", site.client_id, BACK, "--json")
    assert added == {"client_id": site.client_id, "redirect_uri": BACK, "added": True}
    return site


@pytest.fixture
def client(connecting: Site, monkeypatch: pytest.MonkeyPatch) -> pycronofy.Client:
    for host in ("API", "APP"):
        monkeypatch.setattr(settings, f"{host}_BASE_URL", connecting.url)
        monkeypatch.setattr(settings, f"{host}_REGION_FORMAT", "http://%s")
    return pycronofy.Client(client_id=connecting.client_id, client_secret=connecting.client_secret)


def sign_in(link: str, server: CalDavServer) -> dict[str, str]:
    """The person at the page. What the application is told."""
    parts = urlsplit(link)
    site, path = f"{parts.scheme}://{parts.netloc}", f"{parts.path}?{parts.query}"
    page = ReadPage(send(site, "GET", path, {"Accept": "text/html"}))
    token = next(value for form in page.forms for value in form.values("form_token"))
    fields = {"provider_name": "caldav", "address": server.url, "user": "alice", "password": "pw1"}
    body = urlencode({"form_token": token, **fields}).encode()
    answer = send(site, "POST", path, {"Content-Type": "application/x-www-form-urlencoded"}, body)
    assert answer.status == 303, answer.body
    assert answer.headers["location"].startswith(BACK + "?")
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def test_the_whole_way(client: pycronofy.Client, radicale: CalDavServer) -> None:
    link = client.user_auth_link(BACK, state="from the session")
    brought = sign_in(link, radicale)
    assert brought["state"] == "from the session"
    granted = client.get_authorization_from_code(brought["code"], BACK)
    assert not client.is_authorization_expired()
    before = (client.auth.access_token, client.auth.refresh_token)
    assert granted == {
        "access_token": before[0],
        "refresh_token": before[1],
        "token_expiration": granted["token_expiration"],
    }
    client.refresh_authorization()
    assert client.auth.access_token != before[0] and client.auth.refresh_token == before[1]

    sub = client.account()["account_id"]
    info = client.userinfo()
    assert info["sub"] == sub and info["cronofy.type"] == "account"
    [profile] = client.list_profiles()
    assert (profile["provider_name"], profile["profile_name"]) == ("caldav", "alice")
    [calendar] = client.list_calendars()
    assert (calendar["calendar_name"], calendar["profile_id"]) == ("Work", profile["profile_id"])
    assert list(client.read_events(from_date=at(0), to_date=at(10), tzid="Etc/UTC")) is not None

    assert sign_in(client.user_auth_link(BACK), radicale)["code"]
    client.revoke_profile(profile["profile_id"])
    assert client.list_profiles() == []
    assert client.list_calendars()[0]["calendar_deleted"] is True
    client.revoke_authorization()
    with pytest.raises(PyCronofyRequestError) as refused:
        client.get_authorization_from_code(brought["code"], BACK)
    assert refused.value.response.status_code == 400


def test_guests_are_invited_by_mail(client: pycronofy.Client, radicale: CalDavServer, mails: MailServer) -> None:
    client.get_authorization_from_code(sign_in(client.user_auth_link(BACK), radicale)["code"], BACK)
    calendar_id = next(each["calendar_id"] for each in client.list_calendars() if not each["calendar_deleted"])
    event = {"event_id": "talk", "summary": "Talk", "start": at(2, 9), "end": at(2, 10), "tzid": "Europe/Berlin"}
    invited = {"invite": [{"email": "ben@guests.test", "display_name": "Ben"}]}
    client.upsert_event(calendar_id, {**event, "attendees": invited})
    assert arrived(mails) == [("ben@guests.test", "REQUEST")]
    client.upsert_event(calendar_id, {**event, "end": at(2, 11)})
    assert arrived(mails) == [("ben@guests.test", "REQUEST")]
    client.delete_event(calendar_id, "talk")
    assert arrived(mails) == [("ben@guests.test", "CANCEL")]
    client.revoke_authorization()


def arrived(mails: MailServer, patience_s: float = 30) -> list[tuple[str, str]]:
    """What comes, once anything does."""
    ends = time.monotonic() + patience_s
    while not mails.received and time.monotonic() < ends:
        time.sleep(0.05)
    return mails.taken_out()


def test_a_redirect_that_was_removed(served: LiveServer, connecting: Site, client: pycronofy.Client) -> None:
    other = "https://application.example/other"
    cli = served.cli
    with pytest.raises(AssertionError, match="error: "):
        cli("applications", "redirects", "add", connecting.client_id, other + "#x")
    link = client.user_auth_link(other)
    path = link.removeprefix(connecting.url)
    assert send(connecting.url, "GET", path, {}).status == 400
    cli("applications", "redirects", "add", connecting.client_id, other)
    assert send(connecting.url, "GET", path, {}).status == 200
    listed = cli("applications", "redirects", "list", connecting.client_id, "--json")
    assert listed == {"client_id": connecting.client_id, "redirect_uris": [BACK, other]}
    cli("applications", "redirects", "remove", connecting.client_id, other)
    assert send(connecting.url, "GET", path, {}).status == 400
    with pytest.raises(AssertionError, match="error: "):
        cli("applications", "redirects", "remove", connecting.client_id, other)
