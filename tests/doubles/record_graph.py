"""Tell where Microsoft's service and the double differ. For anybody with an account and a quarter of an hour.

    GRAPH_CLIENT_ID=… GRAPH_CLIENT_SECRET=… GRAPH_REFRESH_TOKEN=… python -m tests.doubles.record_graph

The refresh token must be of that client and have Calendars.ReadWrite, User.Read, MailboxSettings.Read and
offline_access; the new one that every refresh gives is printed at the end. GRAPH_URL and GRAPH_LOGIN_URL name another
service than Microsoft's. Everything happens in one new calendar, 30 days from now, and that calendar is deleted at the
end; nobody is invited. Exit code 1 when something differs, 2 when the service could not be used.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from tests.doubles.graph import CLIENT_ID, CLIENT_SECRET, GraphDouble
from tests.doubles.graph_caller import Caller
from tests.doubles.graph_scenarios import SCENARIOS, Scene
from tests.doubles.graph_world import SCOPES
from tests.doubles.service import Clock

Seen = dict[str, Any]
Say = Callable[[str], None]


class UnusableError(Exception):
    """The service gave no token or no calendar."""


@dataclass
class Target:
    """A service and who may use it."""

    url: str
    login_url: str
    client_id: str
    client_secret: str
    refresh_token: str
    refreshed: list[str] = field(default_factory=list[str])

    def access_token(self) -> str:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self.refresh_token,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
        }
        answer = requests.post(f"{self.login_url}/common/oauth2/v2.0/token", data=form, timeout=30)
        if answer.status_code != 200:
            raise UnusableError(f"no token: {answer.status_code} {answer.text[:300]}")
        self.refreshed.append(answer.json().get("refresh_token", ""))
        return answer.json()["access_token"]


def from_environment(environment: Mapping[str, str]) -> Target:
    try:
        return Target(
            environment.get("GRAPH_URL", "https://graph.microsoft.com").rstrip("/"),
            environment.get("GRAPH_LOGIN_URL", "https://login.microsoftonline.com").rstrip("/"),
            environment["GRAPH_CLIENT_ID"],
            environment["GRAPH_CLIENT_SECRET"],
            environment["GRAPH_REFRESH_TOKEN"],
        )
    except KeyError as missing:
        raise UnusableError(f"{missing} is not set; see {__file__}") from None


def record(target: Target, day: datetime) -> Seen:
    """What a service answers to every scenario; a scenario that breaks is an observation too."""
    api = Caller(target.url, target.access_token())
    made = api("POST", "/me/calendars", {"name": f"Slotlink record {int(time.time())}"})
    if made.status_code != 201:
        raise UnusableError(f"no calendar: {made.status_code} {made.text[:300]}")
    calendar = made.json()["id"]
    seen: Seen = {}
    try:
        for scenario in SCENARIOS:
            scene = Scene(api, calendar, day)
            try:
                scenario(scene)
            except (AssertionError, LookupError, StopIteration, ValueError, TypeError) as error:
                scene.see("broke off", type(error).__name__)
            seen.update({f"{scenario.__name__}: {name}": value for name, value in scene.seen.items()})
    finally:
        api("DELETE", f"/me/calendars/{calendar}")
    return seen


def differences(theirs: Seen, ours: Seen) -> list[str]:
    nothing = "(nothing)"
    return [
        f"{name}\n    service: {theirs.get(name, nothing)!r}\n    double:  {ours.get(name, nothing)!r}"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name, nothing) != ours.get(name, nothing)
    ]


def of_double(day: datetime, personal: bool = False) -> Seen:
    """The same from a double of this minute."""
    with GraphDouble(Clock(time.time())) as graph:
        return record(target_of(graph, personal), day)


def target_of(graph: GraphDouble, personal: bool = False) -> Target:
    graph.oauth.register(CLIENT_ID, CLIENT_SECRET, "https://slotlink.test/oauth/callback")
    person = graph.person("recorder@example.com", personal=personal)
    refresh = graph.oauth.tokens_for(person.email, SCOPES, CLIENT_ID)["refresh_token"]
    return Target(graph.url, graph.url, CLIENT_ID, CLIENT_SECRET, refresh)


def run(target: Target, say: Say = print) -> int:
    """Record both, say where they differ, and how many of the observations agree."""
    day = (datetime.now(UTC) + timedelta(days=30)).replace(hour=0, minute=0, second=0, microsecond=0)
    theirs = record(target, day)
    found = differences(theirs, of_double(day))
    for one in found:
        say(one)
    say(f"{len(theirs)} observations, {len(found)} differ.")
    say(f"The refresh token is now: {target.refreshed[-1]}")
    return 1 if found else 0


def main() -> int:
    try:
        return run(from_environment(os.environ))
    except (UnusableError, requests.RequestException) as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
