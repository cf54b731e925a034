"""Our events as Graph's JSON, bodies between HTML and text, and what is known again of both."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slotlink.connectors.base import EventWrite
from slotlink.connectors.graph_json import KEY_ID, OWN_ID, Body, Event, OnlineMeeting
from slotlink.connectors.graph_own import mark, ours
from slotlink.connectors.graph_text import MOST_HTML, marked_up, plain, squeezed, with_meeting
from slotlink.connectors.graph_writing import as_sent, changing, creation, finishing, sent
from slotlink.ical import write_event

START = 1_804_150_800
TEAMS = (
    '<div style="width:100%"><span>________________________________________________________________</span></div>'
    '<div class="me-email-text" lang="en-US"><a href="https://teams.microsoft.com/l/meetup-join/1">Join</a></div>'
)


def write(*, extra: str = "", invites: bool = False, conference: bool = False, **texts: Any) -> EventWrite:
    options: dict[str, Any] = {"summary": "Call", **texts}
    ical = write_event(uid="key@x", start=START, end=START + 3600, tzid="UTC", stamp=0, **options)
    return EventWrite("key", ical.replace("END:VEVENT", f"{extra}END:VEVENT"), invites, conference)


def landed(told: EventWrite, **members: Any) -> Event:
    """As it stands there after the first write."""
    body = {"id": "e", "@odata.etag": "1", "type": "singleInstance", **creation(sent(told)), **members}
    return msgspec.convert(body, Event)


def test_the_first_write() -> None:
    first = creation(sent(write(description="a", url="https://x.test/", location="There", conference=True)))
    assert first == {
        "subject": "Call",
        "isAllDay": False,
        "start": {"dateTime": "2027-03-04T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2027-03-04T10:00:00", "timeZone": "UTC"},
        "showAs": "busy",
        "sensitivity": "normal",
        "location": {"displayName": "There"},
        "body": {"contentType": "html", "content": "<div>a<br>\n<br>\nhttps://x.test/</div>"},
        "transactionId": "slotlink-key",
        "singleValueExtendedProperties": [{"id": KEY_ID, "value": "key"}, {"id": OWN_ID, "value": "- key@x"}],
        "isOnlineMeeting": True,
        "onlineMeetingProvider": "teamsForBusiness",
    }


def test_a_link_that_the_text_has_already() -> None:
    assert sent(write(description="See https://x.test/", url="https://x.test/")).text == "See https://x.test/"


@pytest.mark.parametrize("invites", [True, False])
def test_the_second_write(invites: bool) -> None:
    told = write(extra="ATTENDEE;CN=Ben:mailto:b@x.test\r\nATTENDEE:urn:uuid:1\r\n", invites=invites)
    second = finishing(landed(told), sent(told))
    assert second.pop("singleValueExtendedProperties") == [{"id": OWN_ID, "value": f"{mark('e')} key@x"}]
    person = {"emailAddress": {"address": "b@x.test", "name": "Ben"}, "type": "required"}
    assert second == ({"attendees": [person]} if invites else {})


@pytest.mark.parametrize(
    ("extra", "show_as"),
    [
        ("TRANSP:TRANSPARENT", "free"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", "free"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", "tentative"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", "workingElsewhere"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "oof"),
        ("X-MICROSOFT-CDO-BUSYSTATUS:???", "busy"),
    ],
)
def test_show_as(extra: str, show_as: str) -> None:
    assert creation(sent(write(extra=f"{extra}\r\n")))["showAs"] == show_as


def test_only_what_is_another_is_written_over() -> None:
    old = landed(write(description="a"), singleValueExtendedProperties=[{"id": OWN_ID, "value": f"{mark('e')} key@x"}])
    assert changing(old, sent(write(description="a"))) == {}
    assert changing(old, sent(write(description="b"))).keys() == {"body"}
    assert "body" not in changing(old, sent(write(description="a", summary="Other")))
    assert changing(old, sent(write(description="a", conference=True))).keys() == {
        "isOnlineMeeting",
        "onlineMeetingProvider",
    }
    online = msgspec.structs.replace(old, is_online_meeting=True)
    assert changing(online, sent(write(description="a", conference=True))) == {}
    assert "singleValueExtendedProperties" in changing(landed(write()), sent(write(summary="Other")))


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "Other"},
        {"location": {"displayName": "Elsewhere"}},
        {"start": {"dateTime": "2027-03-04T09:01:00.0000000", "timeZone": "UTC"}},
        {"end": {"dateTime": "2027-03-04T11:00:00", "timeZone": "UTC"}},
        {"start": {"dateTime": "2027-03-04T09:00:00", "timeZone": "Nowhere"}},
        {"start": None},
        {"isAllDay": True},
        {"isCancelled": True},
        {"showAs": "free"},
        {"sensitivity": "private"},
        {"type": "seriesMaster"},
        {"attendees": [{"emailAddress": {"address": "b@x.test"}}]},
        {"body": {"contentType": "html", "content": "<div>a and b</div>"}},
        {"body": {"contentType": "text", "content": "aa"}},
        {"body": None},
    ],
    ids=str,
)
def test_what_a_person_changed(change: dict[str, Any]) -> None:
    told = write(description="a", location="There")
    assert as_sent(landed(told), sent(told)) and not as_sent(landed(told, **change), sent(told))


def test_what_exchange_writes_in_its_own_way() -> None:
    told = write(description="a  &\n\n<b>", location="There ", summary="x" * 300)
    body = {"contentType": "html", "content": "<html><head><style>a{}</style></head><body>\r\n<p>a &amp;</p>&lt;b&gt;"}
    organizer = {"emailAddress": {"address": "Ann@x.test"}}
    theirs = {
        "subject": "x" * 255,
        "location": {"displayName": "There"},
        "body": body,
        "start": {"dateTime": "2027-03-04T10:00:00.0000000", "timeZone": "W. Europe Standard Time"},
        "organizer": organizer,
        "attendees": [organizer],
        "sensitivity": None,
    }
    assert as_sent(landed(told, **theirs), sent(told))


@pytest.mark.parametrize(
    "blob",
    [TEAMS, TEAMS.replace("_", ""), TEAMS[TEAMS.index("</div>") + 6 :]],
    ids=["as it comes", "no rule", "no rule, no div"],
)
@pytest.mark.parametrize("text", ["", "Agenda", f"{'_' * 40}\n{'Agenda' * 80}"], ids=["none", "short", "with a rule"])
def test_the_meetings_part_of_a_body(blob: str, text: str) -> None:
    """It stays below every new text, and is no change of a person; what a person wrote above it is."""
    html = f"<html>\r\n<body>\r\n{marked_up(text)}\r\n<br>{blob}</body>\r\n</html>"
    event = _online(html)
    told = sent(write(description=text))
    assert as_sent(event, told, members=("text",))
    assert not as_sent(_online(html.replace("<br>", "And mine<br>", 1)), told, members=("text",))
    new = with_meeting(event, "New")
    assert new.startswith("<div>New</div>") and new.count("meetup-join") == 1 and "Agenda" not in new


def test_a_meetings_part_that_is_not_known_again() -> None:
    event = _online("<html><body class='x'><p>Agenda</p><a href='https://teams.microsoft.com/1'>Join</a></body></html>")
    assert as_sent(event, sent(write(description="Agenda")), members=("text",))
    assert not as_sent(event, sent(write(description="Other")), members=("text",))
    new = with_meeting(event, "New")
    assert new == "<div>New</div><p>Agenda</p><a href='https://teams.microsoft.com/1'>Join</a>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b", "a\nb"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<div>a\r\n  b</div>\r\n<div>c</div>", "a b\nc"),
        ("&lt;b&gt; &amp;amp; &nbsp;x", "<b> &amp; \xa0x"),
        ("<HEAD><title>t</title></HEAD>x<script>a < b</script>y<style>z", "xy"),
        ("<!-- no -->x<!DOCTYPE html>", "x"),
        ("a < b and c > d", "a < b and c > d"),
        ("", ""),
    ],
)
def test_text_of_html(html: str, text: str) -> None:
    assert plain(html, "html") == text


def test_plain_text_is_left_alone() -> None:
    assert plain("a <b> &amp;\n", "text") == "a <b> &amp;"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
@settings(max_examples=200, deadline=None)
def test_every_text_comes_back_from_our_own_html(text: str) -> None:
    assert squeezed(plain(marked_up(text), "html")) == squeezed(text)


@pytest.mark.parametrize("piece", ["<", "<head>", "<a ", "<!--", "&", "_", "<div>_", "</", "\n"])
def test_html_that_is_made_to_take_long(piece: str) -> None:
    """Read once, whatever it is: half a second for all of it would be a hundred times too much."""
    html = (piece * MOST_HTML)[:MOST_HTML]
    plain(html, "html")
    with_meeting(_online(html), "x")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([("copy", "MARK key@x", "1"), ("e", "MARK key@x", "2")], "e"),
        ([("copy", "MARK key@x", "1")], None),
        ([("late", "- key@x", "2"), ("e", "- key@x", "1")], "e"),
        ([("early", "- key@x", "1"), ("e", "MARK key@x", "2")], "e"),
        ([("e", "- other@x", "1")], None),
        ([("e", "", "1")], None),
        ([], None),
    ],
    ids=["marked", "only a copy", "oldest", "marked before unfinished", "another's", "no property", "none"],
)
def test_which_of_them_is_ours(values: list[tuple[str, str, str]], found: str | None) -> None:
    events = [
        msgspec.convert(
            {
                "id": name,
                "createdDateTime": made,
                "singleValueExtendedProperties": [{"id": OWN_ID, "value": value.replace("MARK", mark("e"))}],
            },
            Event,
        )
        for name, value, made in values
    ]
    one = ours(events, "key")
    assert (one and one.id) == found


def _online(html: str) -> Event:
    meeting = OnlineMeeting("https://teams.microsoft.com/l/meetup-join/1")
    return Event("e", body=Body("html", html), is_online_meeting=True, online_meeting=meeting)
