"""One link through the API and its page."""

from tests.center import Center


def test_a_visitor_books_a_slot_and_status_says_so(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    link = center.create_link(maya, jonas)
    assert link.status()["status"] == "open"
    page = link.page()
    assert page.code == 200 and page.status == "open"
    chosen = link.choose(page.slots[0], page)
    assert chosen.code == 303
    assert chosen.headers["location"] == f"https://application.test/done?token={link.token}"
    completed = link.status()
    assert completed["status"] == "completed"
    assert completed["event"]["start"] == {"time": page.slots[0], "tzid": "Europe/London"}
    assert [event["event_id"] for event in maya.events()] == ["interview-1"]
    assert link.page().status == "completed"
