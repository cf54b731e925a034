"""The page answers in the visitor's language: asked for in its address, else as the browser accepts it."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace
from typing import Any

import pytest

from slotlink.web.visit import onward
from tests.api.connecting import Browser, allow, authorize_url
from tests.center import DAY, Center, CreatedLink, ReadPage


def visit(link: CreatedLink, accepts: str = "", **asked: str) -> ReadPage:
    return ReadPage(link.center.http.get(link.path, params=asked, headers={"Accept-Language": accepts}))


def language(answer: Any) -> str:
    found = re.search(r'<html lang="([^"]*)" dir="(ltr|rtl)"', answer.text)
    assert found is not None
    assert (found[2] == "rtl") is found[1].startswith(("ar", "he"))
    return found[1]


@pytest.mark.parametrize(
    ("accepts", "asked", "answered", "word"),
    [
        ("", {}, "en-GB", "Choose a day"),
        ("de-AT,de;q=0.9,en;q=0.5", {}, "de-AT", "Tag auswählen"),
        ("nb, fr-BE;q=0.5, en;q=0.4", {}, "fr-BE", "Choisissez un jour"),
        ("de", {"locale": "ar"}, "ar", "اختر يومًا"),
        ("es", {"locale": "nb"}, "es", "Elija un día"),
        ("nb", {"locale": "<b>"}, "en-GB", "Choose a day"),
        ("en-US", {}, "en-US", "Choose a day"),
    ],
)
def test_the_address_then_the_browser(
    center: Center, accepts: str, asked: dict[str, str], answered: str, word: str
) -> None:
    page = visit(center.create_link(center.person("maya")), accepts, **asked)
    assert language(page) == answered
    assert word in page.text


def test_a_language_asked_for_lasts(center: Center) -> None:
    link = center.create_link(center.person("maya"), selection_mode="confirm")
    page = visit(link, "fr", locale="de")
    assert "locale=de" in page.text
    confirm = link.choose(page.slots[0], page)
    assert language(confirm) == "de" and "Prüfen und bestätigen" in confirm.text
    assert confirm.hidden["locale"] == "de"


@pytest.mark.parametrize(("kept", "query"), [(True, "tzid=Etc%2FUTC&locale=de"), (False, "tzid=Etc%2FUTC")])
def test_a_booking_that_leads_to_the_links_own_page_keeps_its_language(kept: bool, query: str) -> None:
    terms = SimpleNamespace(completed_url="https://app.test/rts/x", redirect_uri="", oauth_state=None)
    shown: Any = SimpleNamespace(
        web=SimpleNamespace(deps=SimpleNamespace(settings=SimpleNamespace(app_url="https://app.test"))),
        link=SimpleNamespace(terms=terms, token="x"),
        invitation=SimpleNamespace(path="/rts/x"),
        choice=SimpleNamespace(tzid="Etc/UTC", locale="de", keep_locale=kept),
    )
    assert onward(shown) == f"/rts/x?{query}"


def test_a_language_that_the_browser_accepts_is_not_carried_on(center: Center) -> None:
    """A link that is passed on speaks to its reader."""
    page = visit(center.create_link(center.person("maya")), "de")
    inside = page.text.partition('<footer class="foot">')[0]
    assert language(page) == "de" and "locale=" not in inside and "locale" not in page.hidden
    unknown = visit(center.create_link(center.person("jo")), "de", locale="nb")
    assert language(unknown) == "de" and "locale" not in unknown.hidden


def test_the_foot_of_a_page_leads_to_every_language(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    page = visit(link, tzid="Asia/Tokyo", hours="12", locale="de")
    assert '<span class="unseen">Sprache </span>Deutsch</summary>' in page.text
    offered = re.findall(r'<li><a href="([^"]*)" lang="([^"]*)" hreflang="[^"]*"[^>]*>([^<]+)</a>', page.text)
    assert re.findall(r'lang="([^"]*)" aria-current="true"', page.text) == ["de"]
    assert len(offered) == 19 and ("fr-CA", "Français (Canada)") in {each[1:] for each in offered}
    for address, tag, _ in offered:
        other = ReadPage(center.http.get(html.unescape(address), headers={"Accept-Language": "nl"}))
        assert language(other) == tag.replace("zh-CN", "zh-Hans-CN") and other.slots == page.slots
        assert 'value="Asia/Tokyo" selected' in other.text


@pytest.mark.parametrize("state", ["completed", "disabled", "expired"])
def test_links_that_are_closed_lead_there_too(center: Center, state: str) -> None:
    link = center.create_link(center.person("maya"))
    match state:
        case "completed":
            page = link.page()
            link.choose(page.slots[0], page)
        case "disabled":
            path = f"/v1/real_time_scheduling/{link.link_id}/disable"
            said = {"display_message": "No more"}
            assert center.http.post(path, json=said, headers=center.key).status_code == 200
        case _:
            center.clock.now += 30 * DAY
    (address,) = re.findall(r'<a href="([^"]*)" lang="pl"', visit(link).text)
    other = ReadPage(center.http.get(html.unescape(address)))
    assert (language(other), other.status) == ("pl", state)


def test_pages_of_nobodys_speak_too(center: Center) -> None:
    for path in ("/rts/" + "x" * 22, "/oauth/authorize?client_id=x", "/oauth/relink/x"):
        assert language(center.http.get(path, headers={"Accept-Language": "fr"})) == "fr", path
        assert language(center.http.get(f"{path}{'&' if '?' in path else '?'}locale=ar")) == "ar", path


def test_a_form_that_is_too_old_is_refused_in_its_language(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    page = visit(link, locale="es")
    answer = link.post(page, slot=page.slots[0], form_token="x")
    assert answer.code == 403 and language(answer) == "es"


def test_the_connect_page_speaks_through_all_its_steps(center: Center) -> None:
    allow(center)
    browser = Browser(center).open(authorize_url(center, locale="de"))
    assert language(browser.answer) == "de" and "Wo ist Ihr Kalender?" in browser.answer.text
    assert "Anderer Kalenderserver (CalDAV)" in browser.answer.text and "Apple iCloud" in browser.answer.text
    assert "locale=de" in browser.answer.text, "the provider's address carries it on"
    browser.open(authorize_url(center, locale="de", provider_name="caldav"))
    refused = browser.post(provider_name="caldav", address="", user="a", password="b")
    assert refused.answer.status_code == 422 and language(refused.answer) == "de"
    assert "Bitte füllen Sie dieses Feld aus" in refused.answer.text
