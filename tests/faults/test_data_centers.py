"""Two data centers side by side: nothing made in one is known in the other, and each speaks of itself by its settings
alone, whatever a request's headers claim."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from slotlink.domain.event import wire_time
from slotlink.vault import new_key
from tests.center import CreatedLink, Json, Person
from tests.faults.live import Answer, LiveCenter, request, send
from tests.forked import run_command
from tests.serving import LiveServer, Receiver, environ_for, serving

FORM = "application/x-www-form-urlencoded"
# More occurrences than a page of events holds.
REPEATING = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//EN
BEGIN:VEVENT
UID:often@example.com
DTSTAMP:20260101T000000Z
SUMMARY:Often
DTSTART:{start}
DURATION:PT1M
RRULE:FREQ=HOURLY;COUNT=320
TRANSP:TRANSPARENT
END:VEVENT
END:VCALENDAR
"""


@dataclass(frozen=True)
class Here:
    """One data center and what was made in it."""

    name: str
    center: LiveCenter
    api_url: str
    app_url: str
    maya: Person
    link: CreatedLink
    receiver: Receiver

    def get(self, path: str, key: dict[str, str], **parameters: str) -> Any:
        return self.center.http.get(path, headers=key, params=parameters)

    def post(self, path: str, key: dict[str, str], body: Json) -> Any:
        return self.center.http.post(path, headers=key, json=body)

    def lied_to(self, method: str, path: str, key: dict[str, str], content: Json | None = None) -> Answer:
        """A request whose headers name a host that is not ours."""
        body = b"" if content is None else json.dumps(content).encode()
        lies = {
            "Host": "evil.example",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "gopher",
            "Forwarded": "host=evil.example;proto=gopher",
            "X-Original-URL": "http://evil.example/",
            "Content-Type": "application/json",
        }
        return send(self.center.server.url, request(method, self.center.server.url + path, lies | key, body))


@pytest.fixture(scope="module")
def data_centers(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Here, Here]]:
    receiver = Receiver()
    names = ("de", "au")
    folders: list[Path] = [tmp_path_factory.mktemp(name) for name in names]
    variables = [
        {
            "SLOTLINK_DATA_CENTER": name,
            "SLOTLINK_API_URL": f"https://api-{name}.example.com/base",
            "SLOTLINK_APP_URL": f"https://app-{name}.example.com",
            "SLOTLINK_SECRET_KEYS": new_key(),
            "SLOTLINK_CALLBACK_ALLOW": receiver.host,
        }
        for name in names
    ]
    with serving(folders[0], **variables[0]) as one, serving(folders[1], **variables[1]) as other:
        made = [
            _fill(name, server, environ_for(folder, **of), receiver)
            for name, server, folder, of in zip(names, (one, other), folders, variables, strict=True)
        ]
        yield made[0], made[1]
        for here in made:
            here.center.http.close()
    receiver.close()


@pytest.fixture(params=[0, 1], ids=["de-in-au", "au-in-de"])
def pair(request: pytest.FixtureRequest, data_centers: tuple[Here, Here]) -> tuple[Here, Here]:
    """(where something was made, where it is used)"""
    return data_centers if request.param == 0 else (data_centers[1], data_centers[0])


def test_links_of_one_are_not_found_in_the_other(pair: tuple[Here, Here]) -> None:
    made, used = pair
    key, link = used.center.key, made.link
    assert used.get(f"/v1/real_time_scheduling/{link.link_id}", key).status_code == 404
    assert used.get("/v1/real_time_scheduling", key, token=link.token).status_code == 404
    assert (
        used.post(f"/v1/real_time_scheduling/{link.link_id}/disable", key, {"display_message": "x"}).status_code == 404
    )
    for path in ("/rts/", "/real_time_scheduling/", "/add_to_calendar/scheduling/"):
        page = used.center.http.get(path + link.token)
        assert page.status_code == 404 and 'data-status="unknown"' in page.text
    assert made.link.status()["status"] == "open"


def test_credentials_of_one_are_unknown_in_the_other(pair: tuple[Here, Here]) -> None:
    made, used = pair
    link_path = f"/v1/real_time_scheduling/{used.link.link_id}"
    for path in (link_path, "/v1/userinfo", "/v1/calendars", "/v1/events?tzid=Etc/UTC"):
        for key in (made.center.key, made.maya.key):
            assert used.get(path, key).status_code == 401
    body = {"client_id": made.center.client_id, "client_secret": made.center.client_secret}
    assert used.post("/v1/application_calendars", {}, body | {"application_calendar_id": "x"}).status_code == 401
    created = used.post("/v1/real_time_scheduling", used.center.key, body | used.center.link_request(used.maya))
    assert created.status_code == 401
    refresh = {"grant_type": "refresh_token", "refresh_token": made.maya.refresh_token}
    theirs = used.post("/oauth/token", {}, body | refresh)
    assert (theirs.status_code, theirs.json()) == (400, {"error": "invalid_client"})
    ours = {"client_id": used.center.client_id, "client_secret": used.center.client_secret}
    mixed = used.post("/oauth/token", {}, ours | refresh)
    assert (mixed.status_code, mixed.json()) == (400, {"error": "invalid_grant"})


def test_people_and_calendars_of_one_are_not_recognized_in_the_other(pair: tuple[Here, Here]) -> None:
    made, used = pair
    answer = used.post("/v1/real_time_scheduling", used.center.key, used.center.link_request(made.maya))
    assert answer.status_code == 422
    faults = answer.json()["errors"]
    for path in ("availability.participants[0].members[0].sub", "target_calendars[0].sub"):
        assert faults[path][0]["key"] == "errors.not_recognized"
    asked = used.post("/v1/availability", used.center.key, used.center.query(made.maya))
    assert asked.status_code == 422
    event = {"event_id": "e", "summary": "s", "start": "2027-01-04T09:00:00Z", "end": "2027-01-04T10:00:00Z"}
    written = used.post(f"/v1/calendars/{made.maya.calendar_id}/events", used.maya.key, event)
    assert written.status_code == 404


def test_revoking_in_one_ends_nothing_in_the_other(pair: tuple[Here, Here]) -> None:
    made, used = pair
    ours = {"client_id": used.center.client_id, "client_secret": used.center.client_secret}
    assert used.post("/oauth/token/revoke", {}, ours | {"sub": made.maya.sub}).status_code == 200
    assert used.post("/oauth/token/revoke", {}, ours | {"token": made.maya.refresh_token}).status_code == 200
    assert made.get("/v1/userinfo", made.maya.key).status_code == 200


def test_a_page_of_events_of_one_opens_nothing_in_the_other(pair: tuple[Here, Here]) -> None:
    made, used = pair
    next_page = _events(made, made.maya.key)["pages"]["next_page"]
    path = next_page.removeprefix(made.api_url)
    assert made.get(path, made.maya.key).status_code == 200
    assert used.get(path, used.maya.key).status_code == 404
    assert used.get(path, made.maya.key).status_code == 401


def test_each_says_which_it_is(data_centers: tuple[Here, Here]) -> None:
    for here in data_centers:
        assert here.get("/healthz", {}).json() == {"status": "ok", "data_center": here.name}
        assert here.get("/readyz", {}).json() == {"status": "ready", "data_center": here.name}
        assert here.get("/v1/userinfo", here.maya.key).json()["slotlink"] == {"data_center": here.name}


def test_a_lying_host_changes_no_url(pair: tuple[Here, Here]) -> None:
    """Create, status by id and token, disable, paging, the page and its redirect: settings alone make URLs."""
    here, _ = pair
    key = here.center.key
    made = here.lied_to("POST", "/v1/real_time_scheduling", key, here.center.link_request(here.maya))
    created = json.loads(made.text)
    token = created["url"].rpartition("/")[2]
    link_id = created["real_time_scheduling"]["real_time_scheduling_id"]
    own_url = f"{here.app_url}/rts/{token}"
    assert created["url"] == created["real_time_scheduling"]["url"] == own_url
    answers = [
        made,
        here.lied_to("GET", f"/v1/real_time_scheduling/{link_id}", key),
        here.lied_to("GET", f"/v1/real_time_scheduling?token={token}", key),
        here.lied_to("POST", f"/v1/real_time_scheduling/{link_id}/disable", key, {"display_message": "no"}),
        here.lied_to("GET", "/v1/events?tzid=Etc/UTC", here.maya.key),
        here.lied_to("GET", "/v1/userinfo", here.maya.key),
        here.lied_to("GET", f"/rts/{here.link.token}", {}),
        here.lied_to("GET", "/rts/unknown", {}),
        here.lied_to("GET", "/", {}),
        here.lied_to("GET", "/v1/calendars/", key),
        here.lied_to("GET", "/static", {}),
        here.lied_to("GET", "/docs", {}),
        here.lied_to("GET", "/openapi.json", {}),
    ]
    assert [json.loads(answer.text)["real_time_scheduling"]["url"] for answer in answers[1:4]] == [own_url] * 3
    assert json.loads(answers[4].text)["pages"]["next_page"].startswith(f"{here.api_url}/v1/events/pages/")
    for answer in answers:
        assert answer.code < 500
        assert not _named(answer), "a host from the request came back"


def test_a_booking_under_a_lying_host_calls_back_and_redirects_as_set_up(pair: tuple[Here, Here]) -> None:
    here, _ = pair
    changes: Json = {
        "event": {"event_id": "lied-to", "summary": "Interview", "tzid": "Etc/UTC"},
        "callback_urls": {"completed_url": f"{here.receiver.url}/{here.name}"},
    }
    link = here.center.create_link(here.maya, **changes)
    page = link.page()
    form = urlencode({**page.hidden, "slot": page.slots[0]}).encode()
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Content-Type": FORM}
    answer = send(here.center.server.url, request("POST", here.center.server.url + link.path, lies, form))
    assert answer.code == 303 and not _named(answer)
    assert answer.headers["location"] == f"https://application.test/done?token={link.token}"
    callback = here.receiver.received.get(timeout=15)
    assert callback.content["real_time_scheduling"]["url"] == f"{here.app_url}/rts/{link.token}"
    assert callback.path == f"/{here.name}" and b"evil.example" not in callback.body
    download = here.lied_to("GET", f"{link.path}/event.ics", {})
    assert f"@app-{here.name}.example.com" in download.text and not _named(download)


def _fill(name: str, server: LiveServer, environ: dict[str, str], receiver: Receiver) -> Here:
    center = LiveCenter.at(server, environ)
    maya = center.person("maya")
    file = Path(environ["SLOTLINK_DATA_DIR"]) / "often.ics"
    file.write_text(REPEATING.format(start=wire_time(center.tomorrow).replace("-", "").replace(":", "")))
    assert run_command(environ, "calendars", "import", str(file), "--account", maya.sub).code == 0
    link = center.create_link(maya)
    return Here(name, center, environ["SLOTLINK_API_URL"], environ["SLOTLINK_APP_URL"], maya, link, receiver)


def _events(here: Here, key: dict[str, str]) -> Json:
    answer = here.get("/v1/events", key, tzid="Etc/UTC")
    assert answer.status_code == 200, answer.text
    return answer.json()


def _named(answer: Answer) -> bool:
    return bool(re.search(r"evil\.example|gopher", answer.text + repr(answer.headers)))
