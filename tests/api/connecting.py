"""What the suites of connecting an account begin with: an application with a redirect URI, a person at a browser that
keeps cookies and follows nothing, and a CalDAV server with calendars in it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import urllib.request
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from slotlink.store import authorizations
from tests.center import Center, Json, ReadPage
from tests.contract.test_connector_caldav import CalDavServer

BACK = "https://application.test/back?from=slotlink"
SCOPE = "read_events create_event delete_event"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PASSWORD = "pw1"


def allow(center: Center, redirect_uri: str = BACK, client_id: str | None = None) -> None:
    async def add(deps: Any) -> None:
        async with deps.database.transaction() as connection:
            await authorizations.add_redirect_uri(connection, client_id or center.client_id, redirect_uri, 0)

    center.run(add)


def authorize_url(center: Center, **changes: str | None) -> str:
    asked: dict[str, str | None] = {
        "response_type": "code",
        "client_id": center.client_id,
        "redirect_uri": BACK,
        "scope": SCOPE,
        "state": "st te/+&=é",
        **changes,
    }
    return "/oauth/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})


class Browser:
    """A person who types and clicks. `at` is the page shown, `url` its address."""

    def __init__(self, center: Center) -> None:
        self.center = center
        self.http = center.http
        self.url = ""
        self.answer: Any = None

    @property
    def page(self) -> ReadPage:
        return ReadPage(self.answer)

    def open(self, url: str) -> Browser:
        self.url, self.answer = url, self.http.get(url)
        return self

    def post(self, url: str | None = None, **fields: str) -> Browser:
        """The form of the page with these fields filled in."""
        token = next(value for form in self.page.forms for value in form.values("form_token"))
        self.answer = self.http.post(url or self.url, data={"form_token": token, **fields})
        return self

    @property
    def target(self) -> str:
        assert self.answer.status_code == 303, self.answer.text
        return self.answer.headers["location"]

    @property
    def brought(self) -> dict[str, str]:
        """What the application is told, at exactly its address."""
        assert self.target.startswith(BACK + "&"), self.target
        members = dict(parse_qsl(urlsplit(self.target).query))
        assert members.pop("from") == "slotlink"
        return members

    def connect(self, server: CalDavServer, *, user: str = "alice", password: str = PASSWORD, **asked: str) -> str:
        """The whole way with a CalDAV account: the code."""
        self.open(authorize_url(self.center, provider_name="caldav", **asked))
        self.post(provider_name="caldav", address=server.url, user=user, password=password)
        return self.brought["code"]


def token(center: Center, **members: str) -> Any:
    body = {"client_id": center.client_id, "client_secret": center.client_secret, "redirect_uri": BACK, **members}
    return center.http.post("/oauth/token", json=body)


def tokens_for(center: Center, code: str, **members: str) -> Json:
    answer = token(center, grant_type="authorization_code", code=code, **members)
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(center: Center, path: str, granted: Json) -> Json:
    answer = center.http.get(path, headers={"Authorization": f"Bearer {granted['access_token']}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def at_provider(browser: Browser, callback: str = "https://app.test/oauth/callback") -> str:
    """What the provider sends the browser back to, from the root of our own address."""
    parts = urlsplit(browser.target)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    location = answer.headers["location"]
    connection.close()
    assert answer.status == 302 and location.startswith(callback + "?"), location
    return "/oauth/callback" + location.removeprefix(callback)


def make_calendar(server: CalDavServer, name: str, *, zone: str = "", user: str = "alice") -> str:
    """On the server, as another client makes it."""
    timezone = ""
    if zone:
        lines = ("BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VTIMEZONE", f"TZID:{zone}", "END:VTIMEZONE", "END:VCALENDAR")
        timezone = "<C:calendar-timezone>" + "&#13;\n".join(lines) + "</C:calendar-timezone>"
    body = (
        '<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
        f"<D:displayname>{name}</D:displayname>{timezone}</D:prop></D:set></C:mkcalendar>"
    )
    return dav(server, "MKCALENDAR", f"/{user}/{name.lower()}/", body, user=user)


def dav(server: CalDavServer, method: str, path: str, body: str = "", *, user: str = "alice") -> str:
    credentials = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/xml"}
    request = urllib.request.Request(server.url + path, body.encode() or None, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status in (200, 201, 204, 207)
    return server.url + path
