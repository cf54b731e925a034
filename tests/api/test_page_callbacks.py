"""What visitors make a page tell the application, and that looking alone changes nothing."""

from __future__ import annotations

from typing import Any

from tests.api.asking import at, callbacks, dump, rows, wire
from tests.center import Center, CreatedLink, Person, ReadPage

NONE = "https://application.test/none"
EMPTY = "https://application.test/empty"
URLS = {"no_times_suitable_url": NONE, "no_times_displayed_url": EMPTY}


def full(center: Center, **changes: Any) -> tuple[Person, CreatedLink]:
    """A link whose every time is taken."""
    maya = center.person("maya")
    link = center.create_link(maya, **{"callback_urls": URLS, **changes})
    maya.event("all", at(-1), at(9))
    return maya, link


def none_form(page: ReadPage) -> dict[str, str]:
    """The form by which the page lets a visitor say that no time suits."""
    (form,) = [form for form in page.forms if form.method == "post" and form.values("action") == ["none_suitable"]]
    assert not form.values("slot"), "it is a form of its own"
    return dict(form.controls)


# Looking


def test_no_visit_changes_a_link_whatever_its_address_says(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, callback_urls=URLS)
    before = dump(center)
    token = link.page().hidden["form_token"]
    for query in (
        "",
        f"?slot={wire(0)}&form_token={token}&confirmed=yes",
        f"?action=none_suitable&form_token={token}",
        "?tzid=Asia/Tokyo&date=2027-03-05",
    ):
        for method in ("GET", "HEAD"):
            assert center.http.request(method, link.path + query).status_code == 200
    assert dump(center) == before
    assert link.status()["status"] == "open"


def test_head_answers_the_headers_of_get_and_tells_nobody(center: Center) -> None:
    _, link = full(center)
    before = dump(center)
    head = center.http.head(link.path)
    assert (head.status_code, head.content) == (200, b"")
    assert dump(center) == before
    get = center.http.get(link.path)
    assert head.headers["content-security-policy"] == get.headers["content-security-policy"]
    assert len(callbacks(center, EMPTY)) == 1


def test_a_page_without_times_is_told_once_a_minute(center: Center) -> None:
    _, link = full(center)
    now = center.clock.now
    told = []
    for seconds in (0, 1, 59, 59.9, 60, 61, 119, 120, 500):
        center.clock.now = now + seconds
        link.page(tzid="Asia/Tokyo")
        told.append(len(callbacks(center, EMPTY)))
    assert told == [1, 1, 1, 1, 2, 2, 2, 3, 4]
    first = callbacks(center, EMPTY)[0]
    assert first["notification"] == {
        "type": "real_time_scheduling_no_times_displayed",
        "triggered_at": "2027-03-04T09:00:00Z",
    }
    assert first["real_time_scheduling"] == link.status()
    assert first["event"] == link.status()["event"]
    assert first["user"] == {"tzid": "Asia/Tokyo"}


def test_two_links_are_told_of_apart(center: Center) -> None:
    maya, link = full(center)
    other = center.create_link(maya, callback_urls=URLS)
    link.page()
    other.page()
    assert len(callbacks(center, EMPTY)) == 2


def test_nobody_is_told_who_did_not_ask(center: Center) -> None:
    maya, link = full(center, callback_urls={"no_times_suitable_url": NONE})
    link.page()
    plain = center.create_link(maya)
    plain.page()
    assert callbacks(center) == []


def test_a_page_with_times_tells_nothing(center: Center) -> None:
    link = center.create_link(center.person("maya"), callback_urls=URLS)
    assert link.page().slots
    link.page(date="2029-01-01")
    assert callbacks(center) == []


def test_a_closed_or_expired_link_tells_nothing(center: Center) -> None:
    _, link = full(center)
    center.clock.now = at(8)
    assert link.page().status == "expired"
    assert callbacks(center) == []


# None of these suit


def test_none_suitable_is_offered_only_when_somebody_wants_to_know(center: Center) -> None:
    maya = center.person("maya")
    plain, asking = center.create_link(maya), center.create_link(maya, callback_urls=URLS)
    assert "none_suitable" not in plain.page().text
    assert none_form(asking.page())
    refused = plain.post(plain.page(), action="none_suitable")
    assert (refused.code, refused.error) == (422, "invalid")
    assert callbacks(center) == []


def test_one_post_of_the_form_tells_the_application(center: Center) -> None:
    maya = center.person("maya")
    for note, user in (
        ("", {"tzid": "Asia/Tokyo"}),
        (None, {"tzid": "Asia/Tokyo"}),
        ("Only\r\nFridays <b>", {"tzid": "Asia/Tokyo", "note": "Only\nFridays <b>"}),
        ("é" * 500, {"tzid": "Asia/Tokyo", "note": "é" * 500}),
    ):
        link = center.create_link(maya, callback_urls=URLS)
        form = none_form(link.page(tzid="Asia/Tokyo"))
        if note is None:
            form.pop("note", None)
        else:
            form["note"] = note
        before = len(callbacks(center, NONE))
        answer = ReadPage(center.http.post(link.path, data=form))
        assert (answer.code, answer.status, answer.error) == (200, "open", None)
        told = callbacks(center, NONE)
        assert len(told) == before + 1
        assert told[-1]["user"] == user
        assert told[-1]["notification"]["type"] == "real_time_scheduling_no_times_suitable"
        assert told[-1]["real_time_scheduling"] == link.status()
        assert link.status()["status"] == "open"
        assert link.choose(link.page().slots[-1]).code == 303, "the link remains usable"


def test_none_suitable_is_offered_where_there_are_no_times_at_all(center: Center) -> None:
    _, link = full(center)
    form = none_form(link.page())
    assert ReadPage(center.http.post(link.path, data=form)).code == 200
    assert len(callbacks(center, NONE)) == 1


def test_a_double_click_is_told_once_and_a_new_note_again(center: Center) -> None:
    link = center.create_link(center.person("maya"), callback_urls=URLS)
    form = none_form(link.page())
    now = center.clock.now
    counts = []
    for after, note in ((0, ""), (1, ""), (59, ""), (61, ""), (62, "Fridays"), (63, "Fridays"), (64, "Mondays")):
        center.clock.now = now + after
        assert ReadPage(center.http.post(link.path, data={**form, "note": note})).code == 200
        counts.append(len(callbacks(center, NONE)))
    assert counts == [1, 1, 1, 2, 3, 3, 4]


def test_a_note_that_is_too_long_is_given_back(center: Center) -> None:
    link = center.create_link(center.person("maya"), callback_urls=URLS)
    form = none_form(link.page())
    before = dump(center)
    for note in ("x" * 501, "<b>" + "y" * 600, "a\x00b"):
        answer = ReadPage(center.http.post(link.path, data={**form, "note": note}))
        assert (answer.code, answer.status) == (422, "open")
        assert none_form(answer)
    assert "&lt;b&gt;yyy" in ReadPage(center.http.post(link.path, data={**form, "note": "<b>" + "y" * 600})).text
    assert dump(center) == before


def test_the_note_is_kept_in_the_links_history(center: Center) -> None:
    link = center.create_link(center.person("maya"), callback_urls=URLS)
    link.post(link.page(), action="none_suitable", note="Fridays")
    with rows(center) as connection:
        history = connection.execute("SELECT what, details FROM link_history ORDER BY number").fetchall()
    assert [row["what"] for row in history] == ["created", "no_times_suitable"]
    assert "Fridays" in history[1]["details"]


def test_none_suitable_of_a_closed_link_is_refused_with_its_reason(center: Center) -> None:
    maya = center.person("maya")
    link, expired = (center.create_link(maya, callback_urls=URLS) for _ in range(2))
    form, late = none_form(link.page()), none_form(expired.page())
    link.choose(wire(0))
    refused = ReadPage(center.http.post(link.path, data=form))
    assert (refused.code, refused.error) == (409, "not_open")
    center.clock.now = at(8)
    refused = ReadPage(center.http.post(expired.path, data=late))
    assert (refused.code, refused.error) == (409, "expired")
    assert callbacks(center, NONE) == []


def test_none_suitable_needs_the_form_token(center: Center) -> None:
    link = center.create_link(center.person("maya"), callback_urls=URLS)
    form = none_form(link.page())
    for token in ("", "x"):
        assert center.http.post(link.path, data={**form, "form_token": token}).status_code == 403
    assert callbacks(center) == []
