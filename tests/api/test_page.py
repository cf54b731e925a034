"""The page as a form: what each state shows, how a visitor books, and where the visitor goes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.asking import at, callbacks, change, dump, period, wire
from tests.center import Center, CreatedLink, Person, ReadPage

URLS = {
    "completed_url": "https://application.test/completed",
    "no_times_suitable_url": "https://application.test/none",
    "no_times_displayed_url": "https://application.test/empty",
}


def disable(link: CreatedLink) -> None:
    url = f"/v1/real_time_scheduling/{link.link_id}/disable"
    link.center.http.post(url, json={"display_message": "Filled"}, headers=link.center.key)


def all_slots(center: Center, maya: Person) -> list[str]:
    """What the same query offers as overlapping slots."""
    query = center.query(maya, response_format="overlapping_slots")
    answer = center.http.post("/v1/availability", json=query, headers=center.key).json()
    return [slot["start"] for slot in answer["available_slots"]]


# States


def test_an_open_link_offers_every_free_start_once(center: Center) -> None:
    maya = center.person("maya")
    maya.event("busy", at(2), at(3))
    page = center.create_link(maya).page()
    assert (page.code, page.status, page.error) == (200, "open", None)
    assert page.slots == all_slots(center, maya)
    assert wire(0) in page.slots
    assert wire(2) not in page.slots


def test_each_state_has_its_page(center: Center) -> None:
    maya = center.person("maya")
    expired, chosen, disabled = (center.create_link(maya) for _ in range(3))
    chosen.choose(chosen.page().slots[0])
    disable(disabled)
    for link, status in ((chosen, "completed"), (disabled, "disabled")):
        page = link.page()
        assert (page.code, page.status, page.error, page.slots) == (200, status, None, [])
        assert not [form for form in page.forms if form.method == "post"]
    assert "Filled" in disabled.page().text
    center.clock.now = at(8)
    page = expired.page()
    assert (page.code, page.status, page.error, page.slots) == (200, "expired", None, [])
    for link, status in ((chosen, "completed"), (disabled, "disabled")):
        assert link.page().status == status


def test_an_unknown_token_is_a_page_of_404(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    for path in ("/rts/", "/add_to_calendar/scheduling/", "/real_time_scheduling/"):
        for token in ("nothing", "%00", "%ff", "x" * 5000, link.link_id, link.token + "/", "a/b", ""):
            for method in ("GET", "POST", "HEAD"):
                answer = center.http.request(method, path + token)
                assert answer.status_code == 404, (method, path, token[:20])
                if method != "HEAD":
                    assert ReadPage(answer).status == "unknown", (method, path, token[:20])


def test_a_link_with_nothing_free_is_open_and_says_so(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    maya.event("all", at(-1), at(9))
    page = link.page()
    assert (page.code, page.status, page.slots) == (200, "open", [])


def test_the_three_paths_are_one_page_and_all_of_them_book(center: Center) -> None:
    maya = center.person("maya")
    for path in ("/rts/", "/add_to_calendar/scheduling/", "/real_time_scheduling/"):
        link = center.create_link(maya)
        page = ReadPage(center.http.get(path + link.token))
        assert page.text == link.page().text
        answer = center.http.post(path + link.token, data={**page.hidden, "slot": page.slots[0]})
        assert answer.status_code == 303
        assert ReadPage(center.http.get(path + link.token)).status == "completed"


# Choosing


def test_no_confirm_books_with_one_post(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, selection_mode="no_confirm")
    chosen = link.choose(wire(3))
    assert chosen.code == 303
    assert link.status()["event"]["start"]["time"] == wire(3)
    assert [event["start"] for event in maya.events()] == [wire(3)]


@pytest.mark.parametrize("mode", ["confirm", None])
def test_confirm_repeats_the_slot_and_books_it_when_posted(center: Center, mode: str | None) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, selection_mode=mode)
    before = dump(center)
    confirming = link.choose(wire(3))
    assert (confirming.code, confirming.status, confirming.slots) == (200, "open", [wire(3)])
    assert dump(center) == before, "the first step books nothing"
    form = confirming.slot_form
    assert form is not None
    booked = ReadPage(center.http.post(link.path, data=dict(form.controls)))
    assert booked.code == 303
    assert link.status()["event"]["start"]["time"] == wire(3)


def test_a_slot_taken_before_the_confirmation_is_refused_at_each_step(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, selection_mode="confirm")
    page = link.page()
    confirming = link.choose(wire(3), page)
    maya.event("meanwhile", at(3), at(4))
    for refused in (link.choose(wire(3), page), link.post(confirming, slot=wire(3))):
        assert (refused.code, refused.status, refused.error) == (409, "open", "taken")
        assert refused.slots == all_slots_with_nearest(refused, center, maya)
    assert link.status()["status"] == "open"


def all_slots_with_nearest(page: ReadPage, center: Center, maya: Person) -> list[str]:
    """A refusal puts the nearest free times above the list of all of them."""
    listed = all_slots(center, maya)
    nearest = page.slots[: len(page.slots) - len(listed)]
    assert 0 < len(nearest) <= 3
    assert set(nearest) <= set(listed)
    return nearest + listed


def test_the_visitors_zone_is_told_to_the_application_and_nothing_hangs_on_it(center: Center) -> None:
    maya = center.person("maya")
    for tzid, told in (("Asia/Tokyo", "Asia/Tokyo"), ("Mars/Olympus", "Europe/London"), (None, "Europe/London")):
        link = center.create_link(maya, callback_urls=URLS)
        page = link.page(**({"tzid": tzid} if tzid else {}))
        link.choose(page.slots[0], page)
        assert callbacks(center, URLS["completed_url"])[-1]["user"] == {"tzid": told}


def test_a_zone_posted_beside_the_slot_counts(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, callback_urls=URLS)
    page = link.page()
    assert "tzid" in {name for name, _ in page.slot_form.controls}  # type: ignore[union-attr]
    link.post(page, slot=page.slots[0], tzid="America/New_York")
    assert callbacks(center)[-1]["user"] == {"tzid": "America/New_York"}


# Where the visitor goes


def test_the_visitor_is_sent_on_with_the_token(center: Center) -> None:
    maya = center.person("maya")
    oauth = {"redirect_uri": "https://application.test/done?a=1"}
    own = "https://app.test"
    for changes, expected in (
        ({"oauth": oauth}, "https://application.test/done?a=1&token={token}"),
        ({"oauth": {**oauth, "state": "s t&"}}, "https://application.test/done?a=1&token={token}&state=s+t%26"),
        (
            {"oauth": {**oauth, "state": "s"}, "redirect_urls": {"completed_url": "https://other.test/thanks"}},
            "https://other.test/thanks?token={token}",
        ),
        (
            {"redirect_urls": {"completed_url": "https://o.test/?token=x&b=%2F#f"}},
            "https://o.test/?b=%2F&token={token}#f",
        ),
        ({"redirect_urls": {"completed_url": "https://o.test/?flag&e="}}, "https://o.test/?flag=&e=&token={token}"),
        ({"oauth": {"redirect_uri": own}}, f"{own}?token={{token}}"),
    ):
        link = center.create_link(maya, **changes)
        chosen = link.choose(link.page().slots[0])
        assert chosen.code == 303
        assert chosen.headers["location"] == expected.format(token=link.token)


@pytest.mark.parametrize("mode", ["confirm", "no_confirm"])
def test_where_a_booking_leads_on_to_is_said_before_it(center: Center, mode: str) -> None:
    said = "After the booking you go on to <bdi>xn--n3h.other.test</bdi>."
    target = "https://application.test@xn--n3h.other.test:8443/application.test?x=application.test"
    maya = center.person("maya")
    link = center.create_link(maya, selection_mode=mode, redirect_urls={"completed_url": "https://other.test/"})
    alter_terms(center, link, "https://other.test/", target)
    first = link.page()
    assert (said in first.text) is (mode == "no_confirm")
    if mode == "confirm":
        assert said in link.choose(first.slots[0]).text
    for path in ("/rts/{}", "/thanks?of={}"):
        own = center.create_link(maya, selection_mode=mode, redirect_urls={"completed_url": "https://other.test/"})
        alter_terms(center, own, "https://other.test/", "https://app.test" + path.format(own.token))
        page = own.page()
        assert "you go on to" not in (page if mode == "no_confirm" else own.choose(page.slots[0])).text


def test_a_target_equal_to_the_links_own_url_shows_the_confirmation(center: Center) -> None:
    """The link's URL is known only after it was made, so the target is set in the table."""
    maya = center.person("maya")
    for path in ("/rts/", "/add_to_calendar/scheduling/", "/real_time_scheduling/"):
        placeholder = f"https://app.test{path}" + "T" * 22
        link = center.create_link(maya, redirect_urls={"completed_url": placeholder})
        alter_terms(center, link, "T" * 22, link.token)
        chosen = link.choose(link.page().slots[0])
        assert chosen.code == 303
        assert chosen.headers["location"].partition("?")[0] == link.path
        assert ReadPage(center.http.get(chosen.headers["location"])).status == "completed"


def alter_terms(center: Center, link: CreatedLink, old: str, new: str) -> None:
    change(center, "UPDATE links SET terms = replace(terms, ?, ?) WHERE link_id = ?", old, new, link.link_id)


def test_another_links_page_is_a_target_like_any_other(center: Center) -> None:
    maya = center.person("maya")
    other = center.create_link(maya)
    link = center.create_link(maya, redirect_urls={"completed_url": other.url})
    assert link.choose(link.page().slots[0]).headers["location"] == f"{other.url}?token={link.token}"


# Notice


def test_times_within_the_notice_are_not_shown(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, minimum_notice={"hours": 4})
    center.clock.now = at(1)
    assert link.page().slots[0] == wire(5)
    center.clock.now = at(1) + 1
    assert link.page().slots[0] == wire(5.25)


def test_a_time_overtaken_by_the_notice_is_taken_when_it_is_chosen(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, minimum_notice={"hours": 4})
    center.clock.now = at(1)
    page = link.page()
    center.clock.now = at(1) + 1
    refused = link.choose(wire(5), page)
    assert (refused.code, refused.error) == (409, "taken")
    assert refused.slots[0] == wire(5.25)
    assert link.choose(wire(5.25), page).code == 303


def test_the_past_is_never_offered(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya, availability=center.query(maya, query_periods=[period(-10, 8)]))
    center.clock.now = at(2) + 1
    page = link.page()
    assert page.slots[0] == wire(2.25)
    assert link.choose(wire(2), page).error == "taken"
    assert link.choose(wire(2.25), page).code == 303


def test_what_was_offered_is_booked(center: Center) -> None:
    """An offered slot is never refused unless something changed: every one of them, on links of their own."""
    maya = center.person("maya")
    maya.event("busy", at(1), at(1.5))
    asked: dict[str, Any] = {
        "query_periods": [period(0, 2), {"start": "2027-03-05T11:00:00Z", "end": "2027-03-05T12:20:00Z"}],
        "required_duration": {"minutes": 25},
        "start_interval": {"minutes": 20},
        "buffer": {"before": {"minutes": 5}, "after": {"minutes": 10}},
    }
    query = center.query(maya, **asked)
    event = {"event_id": "free", "summary": "S", "transparency": "transparent"}
    slots = center.create_link(maya, availability=query).page().slots
    assert len(slots) >= 5
    for slot in slots:
        link = center.create_link(maya, availability=query, event=event)
        assert link.choose(slot).code == 303, slot
