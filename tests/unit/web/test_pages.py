"""The page as a form (spec/operations.md), its states, and texts that mean harm."""

import datetime
import gzip
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from tests.every_page import connect_pages

import slotlink.web.pages
from slotlink.web.day_view import chosen_day, clock_change, days_of, shown_month
from slotlink.web.invitation import Choice, Invitation, Notice
from slotlink.web.pages import Pages

LONDON = ZoneInfo("Europe/London")
VOID = {"meta", "link", "input", "br"}
PAGES = Pages(asset_version="7")


def at(month: int, day: int, hour: int, minute: int = 0, zone: ZoneInfo = LONDON) -> int:
    return int(datetime.datetime(2027, month, day, hour, minute, tzinfo=zone).timestamp())


NOW = at(3, 4, 10, 42)
SLOTS = [at(3, day, hour) for day in (8, 9, 10, 11, 12, 15, 30) for hour in (9, 13, 18)] + [at(5, 3, 9), at(5, 4, 9)]
INVITATION = Invitation(
    application_name="Globex",
    summary="Product manager interview",
    description="We will talk.\nNothing to prepare.",
    place="Video call",
    people=("Maya Okafor", "Jonas Weber"),
    duration_s=2700,
    path="/rts/TOKEN",
)
CHOICE = Choice(
    tzid="Europe/London",
    hours=24,
    date=datetime.date(2027, 3, 9),
    month=None,
    locale="en-GB",
    organiser_tzid="Europe/Berlin",
)


def choice(**changes: object) -> Choice:
    return Choice(**{**CHOICE.__dict__, **changes})  # type: ignore[arg-type]


class Node:
    def __init__(self, tag: str, attributes: dict[str, str], parent: "Node | None") -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Node | str] = []

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def all(self, tag: str, **wanted: str) -> list["Node"]:
        return [
            node
            for node in self.walk()
            if node.tag == tag and all(node.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str, **wanted: str) -> "Node":
        (node,) = self.all(tag, **wanted)
        return node

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    @property
    def words(self) -> str:
        return " ".join(self.text.split())

    def hidden(self) -> dict[str, str]:
        return {node.attributes["name"]: node.attributes["value"] for node in self.all("input", type="hidden")}


class Tree(HTMLParser):
    """A strict reader: every element that opens closes, in order, with unique ids and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self.open = Node("", {}, None)
        self.feed(html)
        self.close()
        assert self.open is self.root, f"<{self.open.tag}> stays open"
        ids = [node.attributes["id"] for node in self.root.walk() if "id" in node.attributes]
        assert len(ids) == len(set(ids))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len({name for name, _ in attrs})
        node = Node(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(node)
        if tag not in VOID:
            self.open = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.children.append(Node(tag, {name: value or "" for name, value in attrs}, self.open))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.tag == tag, f"</{tag}> inside <{self.open.tag}>"
        assert self.open.parent
        self.open = self.open.parent

    def handle_data(self, data: str) -> None:
        self.open.children.append(data)


def parse(html: str) -> Node:
    return Tree(html).root


def picker(
    slots: list[int] = SLOTS,
    choice: Choice = CHOICE,
    *,
    invitation: Invitation = INVITATION,
    books_at_once: bool = False,
    offers_none_suitable: bool = True,
    partial: bool = False,
    notice: Notice | None = None,
    nearest: tuple[int, ...] = (),
) -> str:
    return PAGES.picker(
        invitation,
        choice,
        slots,
        now=NOW,
        form_token="the.token",
        books_at_once=books_at_once,
        offers_none_suitable=offers_none_suitable,
        partial=partial,
        notice=notice,
        nearest=nearest,
    )


def no_times(
    invitation: Invitation = INVITATION, *, told: bool = True, unreadable: bool = False, notice: Notice | None = None
) -> str:
    return PAGES.no_times(
        invitation,
        CHOICE,
        now=NOW,
        first=at(3, 8, 9),
        last=at(4, 1, 0),
        form_token="the.token",
        offers_none_suitable=not unreadable,
        told=told,
        unreadable=unreadable,
        notice=notice,
    )


def completed(
    invitation: Invitation = INVITATION,
    *,
    ics_path: str = "/rts/TOKEN.ics",
    google_url: str = "https://calendar.google.com/x",
    outlook_url: str = "https://outlook.live.com/x",
    notice: Notice | None = None,
) -> str:
    return PAGES.completed(
        invitation,
        CHOICE,
        start=at(3, 9, 14),
        end=at(3, 9, 14, 45),
        ics_path=ics_path,
        google_url=google_url,
        outlook_url=outlook_url,
        notice=notice,
    )


EVERY_STATE: dict[str, Callable[[Invitation], str]] = {
    "picker": lambda it: picker(invitation=it),
    "taken": lambda it: picker(invitation=it, notice=Notice("taken", at(3, 9, 14)), nearest=(at(3, 9, 13),)),
    "partial": lambda it: picker(invitation=it, partial=True, books_at_once=True),
    "no times": no_times,
    "unreadable": lambda it: no_times(it, unreadable=True, notice=Notice("unreadable", None)),
    "confirm": lambda it: PAGES.confirm(it, CHOICE, at(3, 9, 14), form_token="the.token"),
    "none suitable": lambda it: PAGES.none_suitable(it, CHOICE, form_token="the.token", note=it.summary, too_long_by=2),
    "told": lambda it: PAGES.told(it, CHOICE, note=it.summary),
    "completed": completed,
    "disabled": lambda it: PAGES.disabled(it, CHOICE, message=it.summary),
    "expired": lambda it: PAGES.expired(it, CHOICE, last=at(4, 1, 0)),
    "unknown": lambda it: PAGES.unknown("en"),
    "problem": lambda it: PAGES.problem("en", status=500, reference=it.summary),
}


# The form


def test_one_form_chooses_a_slot_and_carries_everything_else_hidden() -> None:
    page = parse(picker())
    (form,) = [form for form in page.all("form", method="post") if form.all("button", name="slot")]
    assert form.attributes["action"] == "/rts/TOKEN"
    assert form.hidden() == {
        "form_token": "the.token",
        "date": "2027-03-09",
        "tzid": "Europe/London",
        "hours": "24",
    }
    values = [button.attributes["value"] for button in form.all("button", name="slot")]
    assert values == ["2027-03-09T09:00:00Z", "2027-03-09T13:00:00Z", "2027-03-09T18:00:00Z"]
    assert not [node for node in form.walk() if node.tag == "form" and node is not form]


def test_every_slot_is_reached_by_links_alone() -> None:
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [""]
    while ahead:
        query = ahead.pop()
        if query in seen:
            continue
        seen.add(query)
        asked = parse_qs(query)
        date = datetime.date.fromisoformat(asked["date"][0]) if "date" in asked else None
        year_month = asked["month"][0].split("-") if "month" in asked else None
        month = (int(year_month[0]), int(year_month[1])) if year_month else None
        page = parse(picker(choice=choice(date=date, month=month)))
        found |= {button.attributes["value"] for button in page.all("button", name="slot")}
        for link in page.all("a"):
            address = urlsplit(link.attributes["href"])
            if address.path:
                assert address.path == "/rts/TOKEN"
                assert parse_qs(address.query)["tzid"] == ["Europe/London"]
                assert parse_qs(address.query)["hours"] == ["24"]
                ahead.append(address.query)
    wire = {datetime.datetime.fromtimestamp(slot, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for slot in SLOTS}
    assert found == wire


def test_zone_and_hours_are_a_form_of_their_own() -> None:
    form = parse(picker()).one("form", method="get")
    assert form.attributes["action"] == "/rts/TOKEN"
    select = form.one("select", name="tzid")
    values = [option.attributes["value"] for option in select.all("option")]
    assert values[:3] == ["Europe/London", "Europe/Berlin", "Etc/UTC"]
    assert select.all("option")[0].words == "London, GMT (UTC+0)"
    assert "selected" in select.all("option")[0].attributes
    assert len(set(values)) > 400
    assert [
        radio.attributes["value"] for radio in form.all("input", type="radio") if "checked" in radio.attributes
    ] == ["24"]
    assert form.hidden() == {"date": "2027-03-09"}


def test_a_locale_asked_for_is_carried_on() -> None:
    page = parse(picker(choice=choice(keep_locale=True, hours=None)))
    assert page.one("form", method="get").hidden()["locale"] == "en-GB"
    assert all(form.hidden()["locale"] == "en-GB" for form in page.all("form", method="post"))
    inside = [link for link in page.all("a") if "?" in link.attributes["href"] and "hreflang" not in link.attributes]
    assert inside and all("locale=en-GB" in link.attributes["href"] for link in inside)
    assert "hours" not in page.all("form", method="post")[0].hidden()


def test_none_of_these_suit_me_is_a_separate_form_when_offered() -> None:
    form = parse(picker()).all("form", method="post")[1]
    assert form.hidden()["action"] == "none_suitable"
    assert form.hidden()["form_token"] == "the.token"
    assert form.one("textarea", name="note")
    assert form.words.endswith("Tell Globex")
    assert len(parse(picker(offers_none_suitable=False)).all("form", method="post")) == 1


@pytest.mark.parametrize("state", ["no times", "none suitable"])
def test_a_note_is_sent_with_one_form(state: str) -> None:
    form = parse(EVERY_STATE[state](INVITATION)).one("form", method="post")
    assert form.hidden()["action"] == "none_suitable"
    assert form.hidden()["form_token"] == "the.token"
    assert form.one("textarea", name="note")


def test_confirm_repeats_the_slot_in_its_only_form() -> None:
    page = parse(PAGES.confirm(INVITATION, CHOICE, at(7, 1, 9), form_token="the.token"))
    form = page.one("form")
    assert form.attributes["method"] == "post"
    assert form.hidden() | {"slot": "2027-07-01T08:00:00Z", "confirmed": "yes"} == form.hidden()
    assert form.hidden()["tzid"] == "Europe/London"
    assert "London time, BST (UTC+1)" in page.words
    back = [link for link in page.all("a") if link.words == "Choose another time"]
    assert back[0].attributes["href"].startswith("/rts/TOKEN?date=2027-07-01&")


# The states


@pytest.mark.parametrize("state", EVERY_STATE)
def test_every_page_names_its_status_and_keeps_out_of_search_engines(state: str) -> None:
    page = parse(EVERY_STATE[state](INVITATION))
    expected = state if state in ("completed", "disabled", "expired", "unknown") else "open"
    assert page.one("main").attributes.get("data-status") == (None if state == "problem" else expected)
    assert "noindex" in page.one("meta", name="robots").attributes["content"]
    assert page.one("html").attributes["lang"].startswith("en")
    assert page.one("title").words
    assert len(page.all("h1")) == 1


@pytest.mark.parametrize("reason", ["taken", "invalid", "unreadable"])
def test_a_refusal_on_the_picker_says_why(reason: str) -> None:
    page = parse(picker(notice=Notice(reason, at(3, 9, 14))))  # type: ignore[arg-type]
    errors = [node for node in page.walk() if "data-error" in node.attributes]
    assert [node.attributes["data-error"] for node in errors] == [reason]
    assert "Nothing was booked" in errors[0].words


def test_a_link_closed_meanwhile_adds_no_words() -> None:
    for plain, refused in (
        (completed(), completed(notice=Notice("not_open", None))),
        (
            PAGES.expired(INVITATION, CHOICE, last=at(4, 1, 0)),
            PAGES.expired(INVITATION, CHOICE, last=at(4, 1, 0), notice=Notice("expired", None)),
        ),
        (
            PAGES.disabled(INVITATION, CHOICE, message="x"),
            PAGES.disabled(INVITATION, CHOICE, message="x", notice=Notice("disabled", None)),
        ),
    ):
        assert "data-error" not in plain
        assert re.search('data-error="(not_open|expired|disabled)"', refused)
        assert parse(plain).words == parse(refused).words


def test_just_taken_offers_the_nearest_times_inside_the_same_form() -> None:
    nearest = (at(3, 9, 13), at(3, 9, 18))
    page = parse(picker(notice=Notice("taken", at(3, 9, 14)), nearest=nearest))
    notice = next(node for node in page.walk() if "data-error" in node.attributes)
    assert notice.words.startswith(
        "That time has just been taken 14:00 on Tuesday 9 March is no longer free. Nothing was booked. "
        "These are the nearest free times on the same day: 13:00 18:00"
    )
    form = next(form for form in page.all("form", method="post") if form.all("button", name="slot"))
    assert notice in list(form.walk())


def test_just_taken_with_nothing_left_that_day_names_the_next_day() -> None:
    page = parse(picker(notice=Notice("taken", at(3, 13, 9)), nearest=(at(3, 15, 9),)))
    notice = next(node for node in page.walk() if "data-error" in node.attributes)
    assert "There are no other times on this day. The next free day is Monday 15 March." in notice.words
    assert notice.one("button").words == "Mon 15 March 09:00"


def test_a_short_list_is_never_passed_off_as_complete() -> None:
    assert "We could not read every calendar" in parse(picker(partial=True)).words
    assert "We could not read every calendar" not in parse(picker()).words


def test_no_times_says_where_it_looked_and_claims_no_more_than_happened() -> None:
    words = parse(no_times()).words
    assert "Every time between 8 and 31 March has been taken. Globex has been told." in words
    assert "has been told" not in parse(no_times(told=False)).words
    unreadable = parse(no_times(told=False, unreadable=True)).words
    assert "We cannot show times just now" in unreadable
    assert "no times left" not in unreadable.casefold()


def test_expired_gives_the_last_day_on_which_one_could_have_met() -> None:
    words = parse(PAGES.expired(INVITATION, CHOICE, last=at(4, 1, 0))).words
    assert "The last day to meet was Wednesday 31 March 2027." in words


def test_an_unknown_link_and_a_problem_name_no_application() -> None:
    for html in (PAGES.unknown("en"), PAGES.problem("en", status=429, reference="")):
        assert "Globex" not in html
        assert "<form" not in html
    assert "Open the link again" in parse(PAGES.problem("en", status=403, reference="")).words
    assert "(reference 7f3a)" in parse(PAGES.problem("en", status=500, reference="7f3a")).words


def test_booking_at_once_is_announced() -> None:
    assert "Choose a time to book it" in parse(picker(books_at_once=True)).words
    assert "Choose a time to book it" not in parse(picker()).words


def test_a_note_that_is_too_long_comes_back_whole() -> None:
    note = "\n first line\nsecond </textarea><script>"
    page = parse(PAGES.none_suitable(INVITATION, CHOICE, form_token="t", note=note, too_long_by=23))
    # HTML drops the first line break of a textarea: ours, not the visitor's.
    assert page.one("textarea").text.removeprefix("\n") == note
    assert "Please shorten your note by 23 characters." in page.words
    assert "by 1 character." in PAGES.none_suitable(INVITATION, CHOICE, form_token="t", note=note, too_long_by=1)


def test_long_descriptions_fold() -> None:
    long = Invitation(**{**INVITATION.__dict__, "description": "word " * 60})
    assert parse(picker(invitation=long)).all("summary")[0].words == "About this meeting"
    bare = Invitation(**{**INVITATION.__dict__, "description": None, "place": None, "people": ()})
    assert "Video call" not in picker(invitation=bare)


# Times


def test_times_are_the_visitors_and_so_are_days() -> None:
    page = parse(picker([at(3, 9, 23, 30)], choice(tzid="Asia/Tokyo")))
    button = page.one("button", name="slot")
    assert button.words == "08:30"
    assert button.attributes["aria-label"] == "08:30 to 09:15, Wednesday 10 March"


def test_the_offset_is_that_of_the_chosen_day() -> None:
    summary = parse(picker(choice=choice(date=datetime.date(2027, 3, 30)))).all("summary")[0]
    assert summary.attributes["aria-label"] == "Time zone: London, BST, UTC plus 1. Change"
    assert "BST (UTC+1), it is 10:42 there" in summary.words


@pytest.mark.parametrize(
    ("tzid", "label"),
    [
        ("Asia/Kathmandu", "Time zone: Kathmandu, UTC plus 5:45. Change"),
        ("America/St_Johns", "Time zone: St John’s, NST, UTC minus 3:30. Change"),
        ("America/Argentina/Buenos_Aires", "Time zone: Buenos Aires, UTC minus 3. Change"),
        ("UTC", "Time zone: UTC. Change"),
        ("Etc/GMT+5", "Time zone: UTC−5. Change"),
        ("US/Pacific", "Time zone: Los Angeles, PST, UTC minus 8. Change"),
    ],
)
def test_zones_have_names_that_people_know(tzid: str, label: str) -> None:
    page = parse(picker(choice=choice(tzid=tzid)))
    assert page.all("summary")[0].attributes["aria-label"] == label
    assert page.all("option")[0].attributes["value"] == tzid


def test_hours_follow_the_choice_then_the_locale() -> None:
    assert "1:00 pm" in parse(picker(choice=choice(hours=12))).words
    american = picker(choice=choice(hours=None, locale="en-US"))
    assert "1:00 PM" in parse(american).words
    assert "Tuesday, March 9" in american
    assert ">13:00</button>" in picker(choice=choice(hours=None))
    assert ">13:00</button>" in picker(choice=choice(hours=None, locale="no such locale"))


def test_the_day_on_which_clocks_change_marks_every_time() -> None:
    slots = [at(3, 28, 0), at(3, 28, 2), at(3, 28, 9)]
    page = parse(picker(slots, choice(date=datetime.date(2027, 3, 28))))
    assert "The clocks go forward in London on this day, from 01:00 to 02:00." in page.words
    assert [button.words for button in page.all("button", name="slot")] == ["00:00 GMT", "02:00 BST", "09:00 BST"]


def test_an_hour_that_happens_twice_is_offered_twice() -> None:
    first = int(datetime.datetime(2027, 10, 31, 0, 30, tzinfo=datetime.UTC).timestamp())
    page = parse(picker([first, first + 3600], choice(date=None)))
    assert "The clocks go back in London on this day, from 02:00 to 01:00." in page.words
    labels = [button.attributes["aria-label"] for button in page.all("button", name="slot")]
    assert labels == ["01:30 BST to 01:15 GMT, Sunday 31 October", "01:30 GMT to 02:15 GMT, Sunday 31 October"]


def test_a_meeting_over_midnight_shows_both_dates() -> None:
    slot = at(3, 9, 23, 30)
    label = parse(picker([slot])).one("button", name="slot").attributes["aria-label"]
    assert label == "23:30, Tuesday 9 March to 00:15, Wednesday 10 March"
    page = parse(PAGES.confirm(INVITATION, CHOICE, slot, form_token="t"))
    assert "Tuesday 9 March 2027 to Wednesday 10 March 2027 23:30 – 00:15" in page.words


def test_the_month_names_its_days() -> None:
    page = parse(picker(choice=choice(date=None)))
    table = page.one("table")
    assert table.one("a", **{"class": "chosen"}).attributes["aria-label"] == "Monday 8 March 2027, 3 times, chosen"
    assert [node.words for node in table.walk() if node.attributes.get("aria-current") == "date"] == ["4Today"]
    assert (
        "2027-04" in next(a for a in page.all("a") if a.attributes.get("aria-label") == "April 2027").attributes["href"]
    )
    assert not [a for a in page.all("a") if a.attributes.get("aria-label") == "February 2027"]


def test_a_day_that_is_gone_leads_to_the_nearest() -> None:
    days = days_of(SLOTS, LONDON)
    assert chosen_day(days, datetime.date(2027, 3, 14), None).date == datetime.date(2027, 3, 15)
    assert chosen_day(days, None, (2027, 5)).date == datetime.date(2027, 5, 3)
    assert shown_month(days, days[0], (2031, 1)) == (2027, 5)
    assert shown_month(days, days[0], (2020, 1)) == (2027, 3)


@pytest.mark.parametrize(
    ("tzid", "date", "before", "after"),
    [
        ("Africa/Cairo", datetime.date(2027, 10, 28), 0, 1380),  # the day ends twice
        ("America/Havana", datetime.date(2027, 11, 7), 60, 0),
        ("Australia/Lord_Howe", datetime.date(2027, 10, 3), 120, 150),
    ],
)
def test_clock_changes_at_odd_hours(tzid: str, date: datetime.date, before: int, after: int) -> None:
    change = clock_change(date, ZoneInfo(tzid))
    assert change
    assert (change.minute_before, change.minute_after) == (before, after)
    assert clock_change(date + datetime.timedelta(days=10), ZoneInfo(tzid)) is None


def test_a_change_at_midnight_leaves_one_offset_on_either_day() -> None:
    # Cairo skips the first hour of 30 April: every time of that day has the same offset.
    assert clock_change(datetime.date(2027, 4, 29), ZoneInfo("Africa/Cairo")) is None
    assert clock_change(datetime.date(2027, 4, 30), ZoneInfo("Africa/Cairo")) is None


# Harm

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "' onmouseover='alert(1)' x='",
    "</title></textarea></select><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} %(application)s %s %",
    "\u202egnidaelsim\u202c &amp; <!-- -->",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("state", EVERY_STATE)
def test_texts_of_a_link_stay_text(state: str, text: str) -> None:
    hostile = Invitation(text, text, text, text, (text, text), 2700, "/rts/TOKEN")
    html = EVERY_STATE[state](hostile)
    page = parse(html)
    harmless = parse(EVERY_STATE[state](INVITATION))
    assert [(node.tag, set(node.attributes)) for node in page.walk()] == [
        (node.tag, set(node.attributes)) for node in harmless.walk()
    ]
    for node in page.walk():
        for name in ("href", "action", "src"):
            assert "javascript:" not in node.attributes.get(name, "")
    if state != "unknown":
        assert text in page.text


@pytest.mark.parametrize("state", EVERY_STATE)
def test_nothing_on_a_page_needs_an_exception_from_the_policy(state: str) -> None:
    for node in parse(EVERY_STATE[state](INVITATION)).walk():
        assert node.tag not in ("style", "iframe", "object", "base", "img")
        if node.tag == "script":  # our own file, or words for it, which no browser runs
            source, kind = node.attributes.get("src") or "", node.attributes.get("type")
            assert source.startswith("/static/page.js?v=") or kind == "application/json", node.attributes
        assert not [name for name in node.attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//elsewhere", "/\\elsewhere", ""])
def test_a_calendar_address_that_is_no_web_page_is_left_out(address: str) -> None:
    page = parse(completed(ics_path=address, google_url=address, outlook_url=address))
    assert [link for link in page.all("a") if "hreflang" not in link.attributes] == []


def test_organisers_texts_choose_their_own_direction() -> None:
    page = parse(picker())
    assert page.one("h1").attributes["dir"] == "auto"
    assert all(node.words == "Globex" for node in page.all("bdi") if "Globex" in node.text)


# Weight


def test_the_page_stays_within_its_budget() -> None:
    slots = [at(3, day, 9) + 900 * quarter for day in range(8, 23) for quarter in range(8)]
    assert len(gzip.compress(picker(slots).encode())) <= 9 * 1024
    stylesheet = Path(slotlink.web.pages.__file__).parent / "static" / "page.css"
    assert len(gzip.compress(stylesheet.read_bytes())) <= 7 * 1024


def test_the_stylesheet_knows_no_left_and_right() -> None:
    stylesheet = (Path(slotlink.web.pages.__file__).parent / "static" / "page.css").read_text(encoding="utf-8")
    assert not re.search(r"[\s{;-](left|right)\s*[:;]|\b(margin|padding|border)-(left|right|top|bottom)", stylesheet)
    assert "url(" not in stylesheet


@pytest.mark.parametrize("provider", ["apple", "caldav"])
def test_what_a_field_asks_for_is_said_to_the_browser(provider: str) -> None:
    """WCAG 1.3.5: so that password managers, and pictures instead of words, know it too."""
    page = parse(connect_pages("en-GB")[f"connect, {provider}"])
    asked = {node.attributes["name"]: node.attributes.get("autocomplete") for node in page.all("input")}
    assert (asked["user"], asked["password"]) == ("username", "current-password")
