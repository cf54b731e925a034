"""What servers answer, read: the shapes of the ones we know, and whatever else may come."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.connectors import dav
from slotlink.connectors.base import RemoteCalendar
from slotlink.connectors.caldav_discovery import calendars, named, places
from slotlink.connectors.dav import ETAG, Multistatus, absolute, key_of, may_follow, members, read_multistatus
from slotlink.connectors.landed import has_uid, landed
from slotlink.errors import ConnectorError, NotAccepted, ProviderUnavailable
from slotlink.ical import write_event

RECORDED = Path(__file__).parents[2] / "recorded"
HOST = "https://dav.test"


def recorded(name: str) -> Multistatus:
    return read_multistatus((RECORDED / f"caldav-{name}.xml").read_bytes())


def listed(name: str) -> dict[str, RemoteCalendar]:
    rows = {absolute(HOST, row.href): row for row in recorded(name).rows}
    return {urlsplit(each.remote_id).path: each for each in calendars(rows, ("alice@dav.test",))}


def test_calendars_of_cyrus() -> None:
    found = listed("home-cyrus")
    holidays, default = found.values()
    assert list(found) == [
        "/dav/calendars/user/alice/holidays%20(read%40only)/",
        "/dav/calendars/user/alice/Default/",
    ]
    assert (holidays.name, holidays.writable, holidays.primary) == ("Holidays", False, False)
    assert (default.name, default.writable, default.primary) == ("personal", True, True)
    assert (holidays.tzid, default.tzid) == ("Pacific/Auckland", None)


def test_calendars_of_nextcloud() -> None:
    personal, shared = listed("home-nextcloud").values()
    assert personal == RemoteCalendar(
        remote_id=f"{HOST}/remote.php/dav/calendars/alice/personal/",
        name="Persönlich & mehr",
        tzid="Europe/Berlin",
        writable=True,
        primary=True,
        owner_addresses=("alice@dav.test",),
        color="#0082c9",
    )
    # No name, no privileges, and a zone that nobody knows.
    assert (shared.name, shared.writable, shared.tzid, shared.color) == ("team_shared_by_bob", True, None, None)


def test_a_sync_of_radicale() -> None:
    found = recorded("sync-radicale")
    inside = members(f"{HOST}/alice/work/", f"{HOST}/alice/work/", found)
    assert found.up_to == "http://radicale.org/ns/sync/0123abcd" and not inside.cut_off
    assert {key: (row.status, row.text(ETAG)) for key, row in inside.rows.items()} == {
        "/alice/work/a%20b.ics": (200, '"e1"'),
        "/alice/work/old.ics": (404, None),
    }


def test_a_sync_that_cyrus_cuts_off() -> None:
    home = f"{HOST}/dav/calendars/user/alice/Default"
    for address in (home, f"{home}/"):
        inside = members(address, address, recorded("sync-cyrus-cut"))
        assert inside.cut_off and list(inside.rows) == ["/dav/calendars/user/alice/Default/one@host.ics"]


@pytest.mark.parametrize("href", ["/cal", "/cal/", "/c%61l", "http://else.test/cal/", "/cal/attachments/"])
def test_a_collection_is_none_of_its_objects(href: str) -> None:
    body = f"{OPEN}<D:response><D:href>{href}</D:href><D:status>HTTP/1.1 200 OK</D:status></D:response></D:multistatus>"
    assert members(f"{HOST}/cal/", f"{HOST}/cal/", read_multistatus(body.encode())).rows == {}


@pytest.mark.parametrize("name", ["query-xandikos", "query-sogo"])
def test_whole_objects(name: str) -> None:
    for row in recorded(name).rows:
        ical = row.text(dav.DATA)
        assert ical and has_uid(ical, urlsplit(row.href).path.rpartition("/")[2].removesuffix(".ics")), ical
        assert row.status == 200 and dav.version_of(row.text(ETAG)) in ('"0d1e"', '"gcs00000001"', '"gcs00000002"')


def test_an_object_without_its_text() -> None:
    one, two = recorded("multiget-davical").rows
    assert one.text(dav.DATA) and two.text(dav.DATA) is None and two.text(ETAG) == '"bb"'


def test_the_rules_that_an_error_names() -> None:
    assert dav.refused_by((RECORDED / "caldav-error-sabre.xml").read_bytes()) == ["{DAV:}valid-sync-token"]
    assert dav.refused_by(b"<html/>") == dav.refused_by(b"") == dav.refused_by(b"Forbidden") == []


@pytest.mark.parametrize("href", ["http://[bad/", "https://a：b/"])
def test_a_default_calendar_whose_address_is_none(href: str) -> None:
    text = (RECORDED / "caldav-home-cyrus.xml").read_bytes().replace(b"/dav/calendars/user/alice/Default/<", b"%s<", 1)
    rows = read_multistatus(text.replace(b"%s", href.encode()))
    with pytest.raises(NotAccepted):
        calendars({f"{HOST}/{number}/": row for number, row in enumerate(rows.rows)}, ())


OPEN = '<D:multistatus xmlns:D="DAV:">'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "nothing": "",
    "an HTML page": "<!DOCTYPE html><html><body>Sign in</body></html>",
    "XHTML": '<html xmlns="http://www.w3.org/1999/xhtml"/>',
    "cut off": OPEN + "<D:response><D:href>/a</D:href>",
    "something after the end": OPEN + "</D:multistatus><x/>",
    "an entity": f'<!DOCTYPE x [<!ENTITY e "/a">]>{OPEN}<D:response><D:href>&e;</D:href></D:response></D:multistatus>',
    "a file": f'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>{OPEN}&e;</D:multistatus>',
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>{OPEN}&l9;</D:multistatus>',
    "a DTD": f'<!DOCTYPE x SYSTEM "http://dav.test/x.dtd">{OPEN}</D:multistatus>',
    "no namespace": "<multistatus><response><href>/a</href><status>HTTP/1.1 200 OK</status></response></multistatus>",
    "another namespace": '<D:multistatus xmlns:D="DAV"/>',
    "no status": OPEN + "<D:response><D:href>/a</D:href></D:response></D:multistatus>",
    "no status of properties": OPEN
    + "<D:response><D:href>/a</D:href><D:propstat><D:prop/></D:propstat></D:response></D:multistatus>",
    "a status that is none": OPEN
    + "<D:response><D:href>/a</D:href><D:status>fine</D:status></D:response></D:multistatus>",
    "no address": OPEN + "<D:response><D:status>HTTP/1.1 200 OK</D:status></D:response></D:multistatus>",
    "too many elements": OPEN + "<a/>" * 1_000_001,
    "too many attributes": OPEN + "<a " + " ".join(f"a{n}=''" for n in range(500_001)) + "/>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_answer(name: str) -> None:
    with pytest.raises(ProviderUnavailable):
        read_multistatus(HOSTILE[name].encode())


@pytest.mark.parametrize("encoding", ["cp037", "iso-8859-1"])
def test_other_encodings(encoding: str) -> None:
    with pytest.raises(ProviderUnavailable):
        read_multistatus(f'<?xml version="1.0" encoding="{encoding}"?>{OPEN}é</D:multistatus>'.encode(encoding))


def test_depth_is_no_danger() -> None:
    deep = 100_000
    body = OPEN + "<a>" * deep + "</a>" * deep + "</D:multistatus>"
    assert read_multistatus(body.encode()).rows == []


PIECES = [
    *("<D:response>", "</D:response>", "<D:href>", "</D:href>", "/a", "//[", "%zz", "http://", "é", "\x00"),
    *("<D:status>", "</D:status>", "HTTP/1.1 200 OK", "HTTP/1.1 99999", "<D:propstat>", "</D:propstat>", "<D:prop>"),
    *("</D:prop>", "<D:getetag>", "</D:getetag>", "<D:sync-token/>", "<![CDATA[", "]]>", "<!--", "-->"),
    *("<D:x", ">", "'", "&amp;", "&#0;"),
]  # fmt: skip


@given(st.one_of(st.binary(), st.lists(st.sampled_from(PIECES)).map(lambda parts: (OPEN + "".join(parts)).encode())))
def test_whatever_comes_only_our_errors_are_raised(body: bytes) -> None:
    for text in (body, body + b"</D:multistatus>"):
        dav.refused_by(text)
        try:
            found = read_multistatus(text)
            members(f"{HOST}/a/", f"{HOST}/a/", found)
            calendars({absolute(HOST, row.href): row for row in found.rows}, ())
        except ConnectorError:
            continue
        assert all(row.href and 0 < row.status < 1000 for row in found.rows)


@given(st.text())
def test_whatever_is_called_an_address(text: str) -> None:
    for read in (lambda: absolute(HOST, text), lambda: named(HOST, text), lambda: places(text)[0]):
        try:
            url = read()
        except NotAccepted:
            continue
        assert urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname and "@" not in urlsplit(url).netloc
        assert url.isascii() and url.isprintable() and " " not in url
        assert key_of(url) == key_of(absolute(url, key_of(url))), "spelt once, it stays"


@given(st.text(min_size=1).filter(lambda text: text.isprintable() and text.strip(".") != ""))
def test_a_name_of_ours_is_found_again(key: str) -> None:
    own = dav.own_key(f"{HOST}/alice/mein b%C3%BCro", key)
    assert own.startswith("/alice/mein%20b%C3%BCro/") and own.count("/") == 3
    assert key_of(absolute(HOST, own)) == own


def test_ways_to_spell_one_name() -> None:
    assert (
        len({key_of(each) for each in ("/a%20b/x%40y.ics", "/a%20b/x@y.ics", "http://else.test/a%20b/%78@y.ics")}) == 1
    )
    assert key_of("/a%2Fb") != key_of("/a/b") and key_of("/%FF") == "/%FF"


@given(st.text(), st.integers(0, 2**33), st.integers(0, 2**33))
def test_whatever_is_asked_is_xml(text: str, start: int, end: int) -> None:
    asked = [
        dav.sync_collection(text),
        dav.events_named(text),
        dav.multiget([text, "/a&b"]),
        dav.events_within(start, end),
    ]
    for body in (*asked, dav.propfind([ETAG, dav.CTAG])):
        ET.fromstring(body)
    assert b"limit" not in asked[0] or "limit" in text


@pytest.mark.parametrize(
    ("at", "to", "plain", "by_name"),
    [
        ("https://a.test/", "https://a.test/x", True, True),
        ("https://a.test/", "https://A.test:443/x", True, True),
        ("https://a.test/", "https://a.test:8443/x", False, True),
        ("http://a.test:80/", "http://a.test/", True, True),
        ("https://a.test/", "https://b.test/", False, True),
        ("https://a.test/", "http://a.test/", False, False),
        ("https://a.test/", "http://b.test/", False, False),
        ("https://a.test/", "https://a.test.evil.test/", False, True),
        ("http://a.test/", "http://a.test/x", True, True),
        ("http://a.test/", "http://a.test:81/", False, False),
        ("http://a.test/", "http://b.test/", False, False),
        ("http://a.test/", "https://a.test/", True, True),
        ("http://a.test/", "https://b.test/", False, False),
    ],
)
def test_where_a_password_may_go(at: str, to: str, plain: bool, by_name: bool) -> None:
    at, to = absolute(at, ""), absolute(at, to)
    assert (may_follow(at, to), may_follow(at, to, named=True)) == (plain, by_name)


def test_addresses_as_people_type_them() -> None:
    well_known = "/.well-known/caldav"
    assert places(" dav.test ") == [f"{HOST}/", HOST + well_known]
    assert places("dav.test/remote.php/dav") == [f"{HOST}/remote.php/dav", HOST + well_known, f"{HOST}/"]
    assert places("http://alice:pw@dav.test:81/x#y")[0] == "http://dav.test:81/x"
    assert places("Bücher.test")[0] == "https://xn--bcher-kva.test/" and places("[::1]:81")[0] == "https://[::1]:81/"
    for wrong in (
        "",
        "ftp://dav.test",
        "a%40b.test",
        "a／b.test",
        "x" * 64 + ".test",
        "https://",
        "https://[",
        "dav.test:port",
        "javascript:alert(1)",
    ):
        with pytest.raises(NotAccepted):
            places(wrong)


OURS = write_event(uid="k@x", start=0, end=3600, tzid="UTC", summary="a, b; c\\d\ne", stamp=0)


@pytest.mark.parametrize(
    ("theirs", "same"),
    [
        (OURS, True),
        (OURS.replace("DTSTAMP:19700101T000000Z", "DTSTAMP:20270101T000000Z"), True),
        (OURS.replace("SUMMARY:", "SUMMARY;LANGUAGE=de:").replace("\\,", ","), True),
        (OURS.replace("END:VEVENT", "X-APPLE:1\r\nEND:VEVENT"), True),
        (OURS.replace("DTEND:19700101T010000Z", "DTEND:19700101T020000Z"), False),
        (OURS.replace("END:VEVENT", "RRULE:FREQ=DAILY\r\nEND:VEVENT"), False),
        (OURS.replace("SUMMARY:a", "SUMMARY:b"), False),
        (OURS.replace("DTSTART:19700101T000000Z", "DTSTART;TZID=Asia/Tokyo:19700101T000000Z"), False),
        ("BEGIN:VCALENDAR", False),
        ("", False),
    ],
    ids=["same", "stamp", "wording", "addition", "later end", "repeats", "text", "zone", "cut off", "nothing"],
)
def test_whether_ours_is_what_stands_there(theirs: str, same: bool) -> None:
    assert landed(theirs, OURS) == same


def test_whose_uid_it_is() -> None:
    assert has_uid(OURS, "k") and has_uid(OURS, "k@x") and not has_uid(OURS, "k@") and not has_uid(OURS, "x")
