"""schemathesis against a live server: what the document allows is answered as the document says, what it forbids is
refused, and nothing breaks.

Bounded and seeded, so that `make test` says the same thing every time. To look further:
SCHEMATHESIS_EXAMPLES=200 SCHEMATHESIS_SEED=7 pytest tests/contract/test_schemathesis.py
"""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.core import NotSet
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData

from slotlink.web.openapi_operations import IDEMPOTENCY_KEY
from slotlink.web.routes import API
from tests.serving import LiveServer, serving

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "0"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "20270304"))
YEARS = (date(1901, 1, 1), date(2998, 1, 1))
SEQUENCES = "/v1/sequenced_availability"
RULE, SPARE_RULE = "default", "spare"
ZONES = ("Etc/UTC", "Europe/London", "America/Chicago", "Pacific/Apia")

# What a valid body can still be refused for, because JSON Schema cannot say it: keys, and the members they are about.
BEYOND_SCHEMA = (
    ("errors.not_recognized", r"sub|calendar_id|profile_id|calendar_ids\[\d+\]"),  # who and what exists
    ("errors.invalid_calendar_ids", r"calendar_ids\[\d+\]"),
    ("errors.tzid_unrecognized", r"tzid|start|end"),  # the 600 names of the zone database
    ("errors.invalid_time_pair", r"end|end_time"),  # which comes after start, or differs from it
    ("errors.required", r"tzid"),  # with a date
    ("errors.invalid_email", r"email"),  # the schema's format allows more than mail servers do
    ("errors.invalid_format", r"required"),  # at most as many as there are members
    ("errors.invalid_format", r"before|after"),  # of a buffer, whose maximum is not shorter than its minimum
    ("errors.invalid_format", r"sequence_id"),  # each step's own
    ("errors.mutually_exclusive", r"available_periods"),  # of a step, where an empty list is as good as none
    ("errors.event.cannot_set_attendees", r"attendees"),  # what a calendar can
    ("errors.integrated_conferencing_not_available", r"profile_id"),
    ("errors.too_many", r"base"),  # channels of an account
    ("errors.too_many", r"sequence"),  # orders of its steps, times starts
    ("errors.too_many", r"query_periods|available_periods|query_slots"),  # the days that all of them span
    ("errors.not_supported", r"callback_url|(completed|no_times_suitable|no_times_displayed|problem)_url"),  # internal
    ("errors.duplicate_calendar_name", r"name"),
    ("errors.already_used", r"Idempotency-Key"),
    ("errors.invalid_format", r"logo|dark_logo"),  # what makes a PNG or an SVG
    ("errors.required", r"logo"),  # beside one for dark
)


@dataclass(frozen=True)
class Ignored:
    """A failure that is none (`matches`), or something that is not generated at all (`generation`)."""

    reason: str
    matches: Callable[[Failure, Case, Any], bool] = lambda failure, case, response: False
    generation: dict[str, Any] = field(default_factory=dict)


IGNORED = [
    Ignored(
        "a valid body refused only for what a schema cannot say: who exists, what comes before what",
        lambda failure, case, response: (
            isinstance(failure, RejectedPositiveData) and response.status_code == 422 and not _unexplained(response)
        ),
    ),
    Ignored(
        "the token endpoints say 400 where others say 401: unknown clients and tokens, in the form of RFC 6749",
        lambda failure, case, response: (
            isinstance(failure, RejectedPositiveData)
            and case.operation.path.startswith("/oauth/")
            and response.status_code == 400
            and response.json().get("error") in ("invalid_client", "invalid_grant")
        ),
    ),
    Ignored(
        "a query made wrong by sheer length is refused before anybody reads it",
        lambda failure, case, response: isinstance(failure, AcceptedNegativeData) and response.status_code == 414,
    ),
    Ignored(
        "no text may hold NUL: the document says so once, in its introduction; tests/api/test_bad_input.py sends it",
        generation={"allow-x00": False},
    ),
]


def _unexplained(response: Any) -> list[str]:
    """The faults of a 422 that a schema could have said."""
    return [
        f"{path}: {fault['key']} {fault['description']}"
        for path, faults in response.json()["errors"].items()
        for fault in faults
        if not any(fault["key"] == key and re.search(rf"(^|\.)({ends})$", path) for key, ends in BEYOND_SCHEMA)
    ]


@dataclass
class Live:
    """A server with somebody to ask about. `spare` is for calls that revoke, `SPARE_RULE` for the one that deletes."""

    server: LiveServer
    client: dict[str, str]
    person: dict[str, str]
    spare: dict[str, str]
    made: dict[str, str]
    keys: Iterator[int] = field(default_factory=count)
    sent: set[str] = field(default_factory=set[str])  # the texts in bodies: ids of the callers' own are among them

    def never_made(self, case: Case) -> bool:
        """Whether it names something that nobody has made: after a creation, too, ids of other things are asked for."""
        return not self.sent.issuperset((case.path_parameters or {}).values())

    def known(self, operation: str, name: str) -> str | None:
        """A value that exists, for a member of this name."""
        if operation == "revokeToken" and name in ("token", "refresh_token", "sub"):
            return self.spare[name]
        if operation == "deleteAvailabilityRule" and name == "availability_rule_id":
            return SPARE_RULE
        return {**self.client, **self.person, **self.made}.get(name)

    def use_known(self, case: Case) -> None:
        """Put known values where random ones are, mostly: a text for a text, so that what is valid stays valid."""
        operation = case.operation.definition.raw["operationId"]
        case.body = self._known_in(operation, case.body)
        if (case.headers or {}).get(IDEMPOTENCY_KEY["name"]) == IDEMPOTENCY_KEY["example"]:
            # The one that the document shows would be the same for everything, and so refused but for the first.
            case.headers[IDEMPOTENCY_KEY["name"]] = f"key-{next(self.keys)}"
        for container in (case.path_parameters, case.query):
            for name, value in dict(container or {}).items():
                container[name] = self._known_for(operation, name.removesuffix("[]"), value)

    def _known_in(self, operation: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._known_for(operation, name, member) for name, member in value.items()}
        if isinstance(value, list):
            return [self._known_in(operation, item) for item in value]
        return value

    def _known_for(self, operation: str, name: str, value: Any) -> Any:
        if isinstance(value, list):
            return [
                self._known_for(operation, name.removesuffix("s"), item)
                if isinstance(item, str)
                else self._known_in(operation, item)
                for item in value
            ]
        if not isinstance(value, str):
            return self._known_in(operation, value)
        if value in self.made.values():
            return value  # from an earlier answer
        chance = zlib.crc32(value.encode())
        if not 0 < len(value) <= 255 or chance % 5 == 0:
            return value
        if name == "tzid":
            return ZONES[chance % len(ZONES)]
        return self.known(operation, name) or value


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Generator[Live]:
    # So many wrong credentials in a minute would be refused whatever they ask.
    with serving(tmp_path_factory.mktemp("schemathesis"), SLOTLINK_LIMIT_UNKNOWN="off") as server:
        client = server.cli("applications", "create", "Globex", "--json")

        def person(name: str) -> dict[str, str]:
            body = {**client, "application_calendar_id": name}
            granted = requests.post(f"{server.url}/v1/application_calendars", json=body, timeout=10).json()
            headers = {"Authorization": f"Bearer {granted['access_token']}"}
            listed = requests.get(f"{server.url}/v1/calendars", headers=headers, timeout=10).json()["calendars"]
            known = {name: granted[name] for name in ("sub", "access_token", "refresh_token")}
            return known | {name: listed[0][name] for name in ("calendar_id", "profile_id")}

        ana = person("ana")
        created = requests.post(
            f"{server.url}/v1/real_time_scheduling",
            json={
                "oauth": {"redirect_uri": "https://globex.example.com/booked"},
                "event": {"event_id": "interview", "summary": "Interview"},
                "availability": {
                    "participants": [{"members": [{"sub": ana["sub"]}]}],
                    "required_duration": {"minutes": 60},
                    "query_periods": [{"start": "2027-03-08T09:00:00Z", "end": "2027-03-12T17:00:00Z"}],
                },
            },
            headers={"Authorization": f"Bearer {client['client_secret']}"},
            timeout=10,
        ).json()
        for rule_id in (RULE, SPARE_RULE):
            requests.post(
                f"{server.url}/v1/availability_rules",
                json={"availability_rule_id": rule_id, "tzid": "Etc/UTC", "weekly_periods": []},
                headers={"Authorization": f"Bearer {ana['access_token']}"},
                timeout=10,
            ).raise_for_status()
        spare = person("spare")
        yield Live(
            server,
            client,
            ana,
            {**spare, "token": spare["refresh_token"]},
            {
                "link_id": created["real_time_scheduling"]["real_time_scheduling_id"],
                "token": created["url"].rpartition("/")[2],
                "availability_rule_id": RULE,
            },
        )


def _times() -> st.SearchStrategy[str]:
    """Times of the years that we know, in whole seconds."""
    return st.builds(
        "{}{}{:02}:{:02}:{:02}{}".format,
        st.dates(*YEARS),
        st.sampled_from("Tt"),
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
        st.sampled_from(("Z", "z", "+00:00", "-05:30", "+14:00", ".000Z")),
    )


def _configuration(live: Live) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "max-failures": 20,
            "continue-on-failure": True,
            # Sequences of groups of members with quotas are large.
            "suppress-health-check": ["too_slow", "data_too_large"],
            "auth": {
                "openapi": {
                    "api_key": {"bearer": live.client["client_secret"]},
                    "access_token": {"bearer": live.person["access_token"]},
                }
            },
            "operations": [{"include-path": SEQUENCES, "generation": {"max-examples": EXAMPLES or 2}}],
            "generation": {
                "max-examples": EXAMPLES or 4,
                "database": "none",
                **{name: value for ignored in IGNORED for name, value in ignored.generation.items()},
            },
        }
    )


@contextmanager
def _hooks(schema: Any, live: Live) -> Generator[None]:
    @schema.hook
    def filter_failure(context: Any, failure: Failure, case: Case, response: Any) -> bool:
        if isinstance(failure, EnsureResourceAvailability) and live.never_made(case):
            return False
        return not any(ignored.matches(failure, case, response) for ignored in IGNORED)

    @schema.hook
    def filter_case(context: Any, case: Case) -> bool:
        """Of the systematic cases, of which large bodies have thousands, one in 24: always the same. Of sequences,
        whose steps are made of what availability is asked with, one in 240."""
        whole = EXAMPLES or case.meta is None or case.meta.phase.name is not TestPhase.COVERAGE
        body = None if isinstance(case.body, NotSet) else case.body  # whose name is another in each process
        one_in = 240 if case.operation.path == SEQUENCES else 24
        return bool(whole) or zlib.crc32(repr((case.method, case.query, body)).encode()) % one_in == 0

    @schemathesis.hook
    def before_call(context: Any, case: Case, kwargs: dict[str, Any]) -> None:
        live.use_known(case)
        if isinstance(case.body, dict):
            live.sent |= {value for value in case.body.values() if isinstance(value, str)}

    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_the_server_keeps_to_its_document(live: Live) -> None:
    schemathesis.openapi.format("date", st.dates(*YEARS).map(str))
    schemathesis.openapi.format("date-time", _times())
    schemathesis.openapi.format(
        "uri", st.from_regex(r"https?://[a-z]{1,9}\.example\.com/[a-z0-9/]{0,9}", fullmatch=True)
    )
    schema = schemathesis.openapi.from_url(f"{live.server.url}/openapi.json", config=_configuration(live))
    problems: list[str] = []
    answers: dict[str, Counter[int]] = {}
    with _hooks(schema, live):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                problems += _failures(event.recorder)
                for case_id, interaction in event.recorder.interactions.items():
                    if interaction.response is not None:
                        label = event.recorder.cases[case_id].value.operation.label
                        answers.setdefault(label, Counter())[interaction.response.status_code] += 1
            elif isinstance(event, events.NonFatalError):
                problems.append(f"{event.label}: {event.value!r}")
            elif isinstance(event, events.FatalError):
                raise event.exception
    assert not problems, "\n\n".join(dict.fromkeys(problems))
    # A further page needs more events than anybody has here.
    never = {label for label, codes in answers.items() if not codes.keys() & {200, 202} and "{page}" not in label}
    # Embedded accounts have one profile, nothing to link and nothing to revoke; tests/api has others.
    never -= {"POST /v1/link_tokens", "POST /v1/profiles/{profile_id}/revoke"}
    # Channels are few among the cases that are drawn here; tests/api/test_channels.py opens and closes them.
    never -= {"POST /v1/channels", "DELETE /v1/channels/{channel_id}"}
    assert not never, "what never succeeds is not tested"
    assert len(answers) == len(API)


def _failures(recorder: ScenarioRecorder) -> Generator[str]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                failure, code = check.failure_info.failure, check.failure_info.code_sample
                answer = recorder.interactions[case_id].response
                shown = f"{answer.status_code} {answer.text[:400]}" if answer is not None else "no answer"
                if answer is not None and answer.status_code == 422:
                    shown = "\n→ ".join(_unexplained(answer)[:5])
                yield f"{recorder.label}: {failure.title}\n{failure.message}\n{code[:1500]}\n→ {shown}"
