"""What a page's form refuses: values never offered, links closed meanwhile, forms that are not ours."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from starlette.testclient import TestClient

from slotlink.errors import OutcomeUnknown, StoreUnavailable
from slotlink.web import page as page_handlers
from tests.api.asking import at, dump, wire
from tests.center import Center, CreatedLink, ReadPage


def disable(link: CreatedLink) -> None:
    url = f"/v1/real_time_scheduling/{link.link_id}/disable"
    link.center.http.post(url, json={"display_message": "Filled"}, headers=link.center.key)


def post(link: CreatedLink, data: Any, **headers: str) -> ReadPage:
    return ReadPage(link.center.http.post(link.path, data=data, headers=headers))


NEVER_OFFERED = [
    "",
    " ",
    "tomorrow",
    "2027-03-05",
    "2027-03-05T09:00:00",
    "2027-03-05T09:07:00Z",
    "2027-03-05T09:00:01Z",
    "2027-03-05T08:45:00Z",
    "2027-03-05T16:15:00Z",
    "2027-03-05T17:00:00Z",
    "2027-03-06T09:00:00Z",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0000-00-00T00:00:00Z",
    "2027-03-05T09:00:00.5Z",
    "1804237200",
    "<script>",
    "\x00",
    "９９９９",
    "2027-03-05T09:00:00Z" * 100,
]


def test_a_slot_that_was_never_offered_is_422_and_books_nothing(center: Center) -> None:
    maya = center.person("maya")
    links = [center.create_link(maya, selection_mode=mode) for mode in ("no_confirm", "confirm")]
    pages = [link.page() for link in links]
    before = dump(center)
    for n, slot in enumerate(NEVER_OFFERED):
        refused = links[n % 2].post(pages[n % 2], slot=slot, confirmed="yes")
        assert (refused.code, refused.status, refused.error) == (422, "open", "invalid"), slot
        assert refused.slots[-1] == wire(7), "the page shows its times again"
    for slot in ("2027-03-05T09:07:00Z", "2027-03-05T17:00:00Z"):
        for link, page in zip(links, pages, strict=True):
            assert link.post(page, slot=slot).code == 422
    assert dump(center) == before


def test_a_form_without_a_slot_is_422(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    page = link.page()
    for data in (page.hidden, {**page.hidden, "slot[]": wire(0)}, {**page.hidden, "action": "book"}):
        refused = post(link, data)
        assert (refused.code, refused.error) == (422, "invalid"), data


def test_an_offset_names_the_same_slot(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    assert link.choose("2027-03-05T18:00:00+09:00").code == 303
    assert link.status()["event"]["start"]["time"] == wire(0)


def test_a_busy_slot_is_taken_and_not_invalid(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    page = link.page()
    maya.event("meanwhile", at(3), at(4))
    refused = link.choose(wire(3.25), page)
    assert (refused.code, refused.status, refused.error) == (409, "open", "taken")
    assert wire(4) in refused.slots
    assert wire(3) not in refused.slots
    assert link.choose(wire(4), refused).code == 303


def test_taken_with_nothing_left_says_so(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    page = link.page()
    maya.event("meanwhile", at(-1), at(9))
    refused = link.choose(wire(3), page)
    assert (refused.code, refused.status, refused.error, refused.slots) == (409, "open", "taken", [])


def test_a_link_closed_meanwhile_refuses_with_the_reason(center: Center) -> None:
    maya = center.person("maya")
    for mode in ("no_confirm", "confirm"):
        links = [center.create_link(maya, selection_mode=mode) for _ in range(3)]
        chosen, disabled, expired = links
        pages = {link: link.page() for link in links}
        first = chosen.post(pages[chosen], slot=wire(0 if mode == "confirm" else 1), confirmed="yes")
        assert first.code == 303
        disable(disabled)
        before = dump(center)
        for link, reason, status, now in (
            (chosen, "not_open", "completed", at(-20)),
            (disabled, "disabled", "disabled", at(-20)),
            (expired, "expired", "expired", at(8)),
        ):
            center.clock.now = now
            for fields in ({"slot": wire(3)}, {"slot": wire(3), "confirmed": "yes"}, {"slot": "x"}, {}):
                refused = link.post(pages[link], **fields)
                assert (refused.code, refused.status, refused.error) == (409, status, reason), (mode, fields)
                assert refused.slots == []
        assert dump(center) == before
        center.clock.now = at(-24)


def test_the_same_slot_posted_twice_books_once(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    page = link.page()
    assert link.choose(wire(0), page).code == 303
    again = link.choose(wire(0), page)
    assert (again.code, again.status, again.error) == (409, "completed", "not_open")
    assert len(maya.events()) == 1


# Forms that are not ours


def test_a_form_token_is_bound_to_its_link(center: Center) -> None:
    maya = center.person("maya")
    link, other = center.create_link(maya), center.create_link(maya)
    page = link.page()
    token = page.hidden["form_token"]
    before = dump(center)
    payload, _, signature = token.rpartition(".")
    for wrong in (
        None,
        "",
        "x",
        other.page().hidden["form_token"],
        token + "x",
        token[:-1],
        token.swapcase(),
        payload,
        f".{signature}",
        f"{payload}.{signature[::-1]}",
        f"x{payload}.{signature}",
        "\x00",
        "é" * 50,
        link.token,
        "x" * 9000,
    ):
        data = {**page.hidden, "slot": wire(0), "form_token": wrong}
        refused = post(link, {name: value for name, value in data.items() if value is not None})
        assert refused.code == 403, wrong
    for wrong in (["a", "b"],):
        assert post(link, {**page.hidden, "slot": wire(0), "form_token": wrong}).code == 403
    assert dump(center) == before
    assert link.choose(wire(0), page).code == 303


def test_a_form_token_of_another_center_is_refused(center: Center, tmp_path: Any) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    link = center.create_link(center.person("maya"))
    with Center(folder) as elsewhere:
        foreign = elsewhere.create_link(elsewhere.person("maya")).page().hidden["form_token"]
    assert link.post(link.page(), slot=wire(0), form_token=foreign).code == 403


def test_a_form_token_is_reusable_so_that_tabs_and_the_back_button_work(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    page = link.page()
    maya.event("meanwhile", at(0), at(1))
    assert link.choose(wire(0), page).code == 409
    center.clock.now += 3600 * 20
    assert link.choose(wire(2), page).code == 303


def test_another_site_cannot_post_the_form(center: Center) -> None:
    link = center.create_link(center.person("maya"), selection_mode="confirm")
    page = link.page()
    data = {**page.hidden, "slot": wire(0)}
    before = dump(center)
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.test"},
        {"Sec-Fetch-Site": ""},
        {"Origin": "https://evil.test"},
        {"Origin": "https://app.test.evil.test"},
        {"Origin": "null"},
        {"Origin": "https://api.test"},
        {"Origin": "http://app.test"},
        {"Origin": "https://app.test:8443"},
    ):
        assert post(link, data | {"confirmed": "yes"}, **headers).code == 403, headers
    assert dump(center) == before
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "https://app.test"},
    ):
        assert post(link, data, **headers).code == 200, headers


def test_a_form_that_cannot_be_read_is_a_page_of_400(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    token = link.page().hidden["form_token"]
    before = dump(center)
    for content in (b"slot=%ff%fe", b"slot=" + b"x" * 66_000, b"&".join(b"a=b" for _ in range(2000)), b"\xff"):
        answer = center.http.post(link.path, content=content, headers=form)
        assert answer.status_code == 400
        assert "<main" in answer.text
    for content, code in ((b"", 403), (b"form_token=" + token.encode() + b"&slot=%ED%A0%80", 400)):
        assert center.http.post(link.path, content=content, headers=form).status_code == code
    assert dump(center) == before


def test_only_reading_and_posting_are_known(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    before = dump(center)
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        assert center.http.request(method, link.path).status_code == 405
    assert dump(center) == before


# When it breaks


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (OutcomeUnknown("the connection broke while committing"), 503, "We cannot tell whether your time was booked."),
        (RuntimeError("after the commit, perhaps"), 500, "We cannot tell whether your time was booked."),
        (StoreUnavailable("the disk is full"), 503, "Nothing was booked."),
    ],
    ids=["unknown", "bug", "unavailable"],
)
def test_nothing_was_booked_is_said_only_where_that_is_certain(
    center: Center, error: Exception, code: int, says: str
) -> None:
    link = center.create_link(center.person("maya"))
    form = {**link.page().hidden, "slot": wire(0)}
    visitor = TestClient(center.app, base_url="https://app.test", raise_server_exceptions=False)
    with patch.object(page_handlers, "book_slot", side_effect=error):
        refused = visitor.post(link.path, data=form)
    assert refused.status_code == code and says in refused.text
    assert ("Nothing was booked" in refused.text) is ("Nothing was booked" in says)
