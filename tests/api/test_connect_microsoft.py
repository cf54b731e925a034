"""A person connects a Microsoft 365 account through the page, against the double."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.api.connecting import Browser, allow, at_provider, authorize_url, read, tokens_for
from tests.center import Center, Clock
from tests.doubles.graph import CLIENT_ID, CLIENT_SECRET, GraphDouble
from tests.doubles.graph_world import ANN

CALLBACK = "https://app.test/oauth/callback"


@pytest.fixture
def graph() -> Generator[GraphDouble]:
    with GraphDouble(Clock()) as graph:
        graph.oauth.register(CLIENT_ID, CLIENT_SECRET, CALLBACK)
        graph.person(ANN)
        graph.oauth.signed_in = ANN
        yield graph


@pytest.fixture
def center(tmp_path: Path, graph: GraphDouble) -> Generator[Center]:
    clock: Any = graph.clock
    settings = {
        "SLOTLINK_MICROSOFT_CLIENT_ID": CLIENT_ID,
        "SLOTLINK_MICROSOFT_CLIENT_SECRET": CLIENT_SECRET,
        "SLOTLINK_MICROSOFT_GRAPH_URL": f"{graph.url}/v1.0",
        "SLOTLINK_MICROSOFT_LOGIN_URL": f"{graph.url}/common",
    }
    with Center(tmp_path, clock=clock, **settings) as center:
        allow(center)
        yield center


def leave(center: Center) -> Browser:
    return Browser(center).open(authorize_url(center, provider_name="office365")).post(provider_name="office365")


def test_the_journey_over_microsoft(center: Center, graph: GraphDouble) -> None:
    browser = leave(center)
    query = parse_qs(urlsplit(browser.target).query)
    assert query["prompt"] == ["select_account"] and "Calendars.ReadWrite" in query["scope"][0]
    browser.open(at_provider(browser))
    granted = tokens_for(center, browser.brought["code"])
    assert granted["linking_profile"]["provider_name"] == "office365"
    assert granted["linking_profile"]["profile_name"] == ANN
    calendars = read(center, "/v1/calendars", granted)["calendars"]
    assert [each["calendar_primary"] for each in calendars][:1] == [True]
    again = leave(center)
    again.open(at_provider(again))
    assert tokens_for(center, again.brought["code"])["sub"] == granted["sub"]


def test_whoever_refuses_at_microsoft(center: Center, graph: GraphDouble) -> None:
    graph.oauth.consents = False
    browser = leave(center)
    browser.open(at_provider(browser))
    assert (browser.answer.status_code, browser.page.error) == (422, "denied")


@pytest.mark.parametrize(("scope", "reason"), [("Calendars.ReadWrite", "missing_scopes"), ("MailboxSettings.Read", "")])
def test_what_has_to_be_granted(center: Center, graph: GraphDouble, scope: str, reason: str) -> None:
    graph.oauth.unticked = frozenset({scope})
    browser = leave(center)
    browser.open(at_provider(browser))
    if reason:
        assert browser.page.error == reason
    else:
        assert browser.brought["code"], "the zone is only nice to know"
