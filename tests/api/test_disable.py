"""Disabling a link: once, again, too late, and by whom."""

from __future__ import annotations

from typing import Any

from tests.api.asking import at, bearer, callbacks, dump, faults, other_application
from tests.center import Center, CreatedLink

PATH = "/v1/real_time_scheduling"


def disable(link: CreatedLink, message: Any = "This position has been filled.", **headers: str) -> Any:
    return link.center.http.post(
        f"{PATH}/{link.link_id}/disable", json={"display_message": message}, headers={**link.center.key, **headers}
    )


def test_disabling_answers_what_status_answers(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    answer = disable(link)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    shown = center.http.get(f"{PATH}/{link.link_id}", headers=center.key)
    assert answer.content == shown.content
    assert answer.json()["real_time_scheduling"]["status"] == "disabled"
    assert callbacks(center) == []


def test_the_message_is_shown_as_text_with_its_lines(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    disable(link, "<b>Sorry</b>\n  second line & more")
    page = link.page()
    assert (page.code, page.status) == (200, "disabled")
    assert "&lt;b&gt;Sorry&lt;/b&gt;\n  second line &amp; more" in page.text
    assert "<b>Sorry" not in page.text


def test_disabling_again_keeps_the_status_and_takes_the_newer_message(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    first = disable(link, "The first text")
    second = disable(link, "The second text")
    assert second.status_code == 200
    assert second.content == first.content
    text = link.page().text
    assert "The second text" in text
    assert "The first text" not in text


def test_a_completed_link_cannot_be_disabled(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    link.choose(link.page().slots[0])
    before = dump(center)
    assert faults(disable(link)) == {"base": ["errors.already_completed"]}
    assert dump(center) == before
    assert link.status()["status"] == "completed"
    center.clock.now = at(9)
    assert faults(disable(link)) == {"base": ["errors.already_completed"]}


def test_an_expired_link_can_be_disabled_and_stays_so(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    center.clock.now = at(8)
    assert link.status()["status"] == "expired"
    assert disable(link).json()["real_time_scheduling"]["status"] == "disabled"
    assert link.status()["status"] == "disabled"


def test_a_message_has_up_to_500_characters_and_is_not_blank(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    url = f"{PATH}/{link.link_id}/disable"
    for message, key in (
        ("x" * 501, "errors.too_long"),
        ("", "errors.required"),
        ("  \n ", "errors.required"),
        (None, "errors.required"),
        (7, "errors.invalid_format"),
        (["x"], "errors.invalid_format"),
        ({"a": "b"}, "errors.invalid_format"),
        (True, "errors.invalid_format"),
        ("a\x00b", "errors.invalid_format"),
    ):
        assert faults(disable(link, message)) == {"display_message": [key]}, message
    for body in ({}, {"message": "x"}):
        assert faults(center.http.post(url, json=body, headers=center.key)) == {"display_message": ["errors.required"]}
    assert faults(center.http.post(url, headers=center.key)) == {"display_message": ["errors.required"]}
    assert link.status()["status"] == "open"
    assert disable(link, "é" * 500).status_code == 200


def test_a_form_is_read_like_json(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    answer = center.http.post(
        f"{PATH}/{link.link_id}/disable", data={"display_message": "Gone & away"}, headers=center.key
    )
    assert answer.json()["real_time_scheduling"]["status"] == "disabled"
    assert "Gone &amp; away" in link.page().text


def test_only_the_links_own_application_may_disable_it(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    (_, secret), _stranger = other_application(center)
    message = {"display_message": "x"}
    for headers, code in (({}, 401), (bearer("x"), 401), (maya.key, 403), (bearer(secret), 404)):
        answer = center.http.post(f"{PATH}/{link.link_id}/disable", json=message, headers=headers)
        assert (answer.status_code, answer.content) == (code, b"")
    assert link.status()["status"] == "open"


def test_the_path_takes_the_id_and_not_the_token(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    for name in (link.token, "sch_" + "0" * 24, "x" * 10_000, "%00", "%ff"):
        answer = center.http.post(f"{PATH}/{name}/disable", json={"display_message": "x"}, headers=center.key)
        assert (answer.status_code, answer.content) == (404, b""), name[:30]


def test_body_credentials_count_for_nothing_here(center: Center) -> None:
    """They are read on create, and where accounts and tokens are made; elsewhere members of that name are ignored."""
    link = center.create_link(center.person("maya"))
    body = {"display_message": "x", "client_id": center.client_id, "client_secret": center.client_secret}
    url = f"{PATH}/{link.link_id}/disable"
    assert center.http.post(url, json=body).status_code == 401
    wrong = {**body, "client_id": "nobody", "client_secret": "nothing"}
    assert center.http.post(url, json=wrong, headers=center.key).status_code == 200
