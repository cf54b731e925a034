"""Compare Google's real service with our double: `python -m tests.doubles.record_google`.

For somebody with a Google account and an OAuth client of their own. It writes only into the calendar that you name,
which must be empty and is emptied again. Variables:

    GOOGLE_CALENDAR        id of an empty calendar, made for this
    GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, GOOGLE_REFRESH_TOKEN    scope https://www.googleapis.com/auth/calendar
    GOOGLE_API_URL         default https://www.googleapis.com/calendar/v3
    GOOGLE_TOKEN_URL       default https://oauth2.googleapis.com/token
    GOOGLE_PUSH_ADDRESS    optional: an HTTPS address that may be told of changes; without it, channels are left out

Prints every step whose status, reason, members or noted facts differ, and ends with 1 when there is one. With
`--json` also what was recorded, without any of your data: types and names of members, and nothing of their values.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, cast

import requests

from tests.doubles.caller import TIMEOUT_S
from tests.doubles.google import API, CLIENT_ID, CLIENT_SECRET, SCOPE, GoogleDouble
from tests.doubles.google_caller import Caller
from tests.doubles.google_scenarios import drive
from tests.doubles.service import Clock

SCRATCH = "scratch@group.calendar.google.com"


@dataclass
class Row:
    """What one step was answered."""

    status: int | None = None
    reason: str | None = None
    members: list[str] = field(default_factory=list[str])
    fact: str | None = None


@dataclass(frozen=True)
class Target:
    """A service to drive: the real one, or a double."""

    api_url: str
    token_url: str
    client_id: str
    client_secret: str
    refresh_token: str
    calendar: str
    push_address: str | None
    today: date
    wait: Callable[[float], None]


class Recording:
    """Rows by the name of their step, in order."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.calendar = target.calendar
        self.rows: dict[str, Row] = {}
        self._caller = Caller(target.api_url, "")

    def sign_in(self) -> None:
        """Two rows about tokens, one about a bad one, and an access token for the rest."""
        self.step("no access", "GET", "/users/me/calendarList")
        self._exchange("refresh, unknown token", "1//unknown")
        tokens = self._exchange("refresh", self.target.refresh_token)
        if "access_token" not in tokens:
            raise SystemExit(f"no access token: {tokens.get('error')}: {tokens.get('error_description')}")
        self._caller = Caller(self.target.api_url, tokens["access_token"])

    def step(
        self,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        any_item: bool = False,
    ) -> Any:
        """Call, note, and give the answer's body. `any_item`: which item it is depends on chance, so leave it out."""
        answer = self._note(name, self._caller(method, path, body, query, headers))
        if any_item:
            self.rows[name].members = [one for one in self.rows[name].members if not one.startswith("items[]")]
        return answer

    def clean(self, path: str) -> None:
        """Delete without a row, whatever comes of it."""
        self._caller("DELETE", path, query={"sendUpdates": "none"})

    def fact(self, name: str, value: object) -> None:
        """Something worth comparing that is no member: an order, a count, what is listed."""
        self.rows[name] = Row(fact=str(value))

    def _exchange(self, name: str, refresh_token: str) -> Any:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.target.client_id,
            "client_secret": self.target.client_secret,
        }
        return self._note(name, requests.post(self.target.token_url, data=form, timeout=TIMEOUT_S))

    def _note(self, name: str, answer: requests.Response) -> Any:
        assert name not in self.rows, name
        body: Any = answer.json() if answer.content else None
        members = sorted(set(_members(body, self.calendar)))
        self.rows[name] = Row(answer.status_code, _reason(body), members)
        return body


def _reason(body: Any) -> str | None:
    error: Any = cast(dict[str, Any], body).get("error") if isinstance(body, dict) else None
    return cast(Any, error)["errors"][0]["reason"] if isinstance(error, dict) else error


def _members(value: Any, calendar: str, path: str = "") -> Iterator[str]:
    """Every member's path and type. Names that are data stand as {calendar} and {name}."""
    if isinstance(value, dict):
        for name, inner in cast(dict[str, Any], value).items():
            shown = "{calendar}" if name == calendar else "{name}" if path.endswith((".private", ".shared")) else name
            yield from _members(inner, calendar, f"{path}.{shown}")
    elif isinstance(value, list):
        for inner in cast(list[Any], value):
            yield from _members(inner, calendar, f"{path}[]")
    else:
        yield f"{path.removeprefix('.')}: {type(value).__name__}"


def differences(real: dict[str, Row], double: dict[str, Row]) -> list[str]:
    """One line for each: the step, what the service did, what the double does."""
    found: list[str] = []
    for name, row in real.items():
        ours = double.get(name, Row())
        for what in ("status", "reason", "fact"):
            one, other = getattr(row, what), getattr(ours, what)
            if one != other:
                found.append(f"{name}: {what} {one}, the double has {other}")
        for member in sorted(set(row.members) ^ set(ours.members)):
            who = "only the service has" if member in row.members else "only the double has"
            found.append(f"{name}: {who} {member}")
    return found + [f"{name}: not reached by the service" for name in double if name not in real]


def record(target: Target) -> dict[str, Row]:
    recording = Recording(target)
    recording.sign_in()
    try:
        drive(recording)
    except (
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
    ) as unexpected:  # an answer without what the next step needs
        last = list(recording.rows)[-1]
        recording.fact("stopped", f"after {last}: {unexpected!r}")
    return recording.rows


def target_of(google: GoogleDouble, clock: Clock, push_address: str | None) -> Target:
    """The double, set up as the outsider's account is."""
    google.oauth.register(CLIENT_ID, CLIENT_SECRET)
    google.person("ann@example.com", zone="Europe/Berlin").makes_calendar(SCRATCH, "Scratch", "Europe/Berlin")
    tokens = google.oauth.tokens_for("ann@example.com", [SCOPE + "calendar"], CLIENT_ID)
    return Target(
        api_url=google.url + API,
        token_url=f"{google.url}/token",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        refresh_token=tokens["refresh_token"],
        calendar=SCRATCH,
        push_address=push_address,
        today=datetime.fromtimestamp(clock.now, UTC).date(),
        wait=clock.advance,
    )


def record_double(push_address: str | None) -> dict[str, Row]:
    clock = Clock()
    with GoogleDouble(clock) as google:
        return record(target_of(google, clock, push_address))


def main(environ: Mapping[str, str], arguments: list[str], wait: Callable[[float], None] = time.sleep) -> int:
    try:
        target = _target(environ, wait)
    except KeyError as missing:
        print(f"{missing.args[0]} is not set", __doc__, sep="\n\n", file=sys.stderr)
        return 2
    real = record(target)
    found = differences(real, record_double(environ.get("GOOGLE_PUSH_ADDRESS")))
    if "--json" in arguments:
        print(json.dumps({name: asdict(row) for name, row in real.items()}, indent=1))
    print(*found, f"{len(real)} steps, {len(found)} differences", sep="\n")
    return 1 if found else 0


def _target(environ: Mapping[str, str], wait: Callable[[float], None]) -> Target:
    return Target(
        api_url=environ.get("GOOGLE_API_URL", "https://www.googleapis.com/calendar/v3").rstrip("/"),
        token_url=environ.get("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
        client_id=environ["GOOGLE_CLIENT_ID"],
        client_secret=environ["GOOGLE_CLIENT_SECRET"],
        refresh_token=environ["GOOGLE_REFRESH_TOKEN"],
        calendar=environ["GOOGLE_CALENDAR"],
        push_address=environ.get("GOOGLE_PUSH_ADDRESS"),
        today=datetime.now(UTC).date(),
        wait=wait,
    )


if __name__ == "__main__":
    sys.exit(main(os.environ, sys.argv[1:]))
