"""Mail that does not arrive, or arrives twice: at the end every guest has the newest message, as the newest."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.services import guest_messages
from slotlink.services.deps import Deps
from slotlink.store import links, outbox_listing
from slotlink.worker import deliver_message
from tests.api.connected import CalDavWorld, ConnectedPerson, GoogleWorld
from tests.api.test_guest_messages import BEN, EVE, NINE, TEN, delete, inviting, sequences, told, with_ben, write
from tests.center import HOUR, START, Center, Clock
from tests.contract.test_connector_caldav import Radicale, running
from tests.doubles.google import GoogleDouble
from tests.doubles.mail import MailServer

XML = {"Content-Type": "application/xml"}
RETRIES = {"SLOTLINK_CALLBACK_RETRIES": "15s,15s"}


@pytest.fixture
def mails() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def ann(mails: MailServer, tmp_path: Path) -> Generator[ConnectedPerson]:
    with GoogleDouble() as google:
        world = GoogleWorld(google)
        with Center(tmp_path, clock=Clock(START), **world.variables, **mails.variables, **RETRIES) as center:
            yield ConnectedPerson(center, world)


def later(person: ConnectedPerson, seconds: int = 60) -> None:
    person.center.clock.now += seconds


def test_a_mail_that_may_have_arrived_is_sent_again_as_the_same(ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting(BEN))
    ann.work()
    mails.handler.hangs_up = 1
    (outcome,) = ann.mail()
    assert outcome.endswith("has closed the connection") and ann.mail() == [], "not at once"
    later(ann)
    assert ann.mail() == ["2.0.0 taken"]
    later(ann)
    assert ann.mail() == []
    first, second = mails.received
    assert first.mail["Message-ID"] == second.mail["Message-ID"] and first.calendar == second.calendar
    assert first.mail["Subject"] == second.mail["Subject"] == "Invitation: Talk"


def test_a_worker_that_dies_once_the_mail_is_taken_sends_the_same_again(
    ann: ConnectedPerson, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(ann, attendees=inviting(BEN))
    ann.work()

    async def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(deliver_message, "note_sent", dies)
    with pytest.raises(KeyboardInterrupt):
        ann.mail()
    monkeypatch.undo()
    later(ann, 120)  # past the lease
    assert ann.mail() == ["2.0.0 taken"]
    first, second = mails.received
    assert first.mail["Message-ID"] == second.mail["Message-ID"] and first.calendar == second.calendar


def test_after_a_pause_guests_get_the_newest_alone(ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting(BEN, EVE))
    ann.work()
    mails.handler.answers = ["451 4.3.0 later"] * 4
    assert len(ann.mail()) == 2
    write(ann, TEN)
    ann.work()
    assert len(ann.mail()) == 2
    later(ann)
    assert sorted(ann.mail()) == ["2.0.0 taken", "2.0.0 taken", "as wanted already", "as wanted already"]
    assert [each.shown.start for each in mails.received] == [TEN, TEN]
    assert sorted(mails.taken_out()) == [(BEN, "REQUEST"), (EVE, "REQUEST")]


def test_what_was_overtaken_while_it_was_sent_is_not_the_last_that_arrives(
    ann: ConnectedPerson, mails: MailServer
) -> None:
    """A cancellation is sent by another worker while the invitation is still on its way."""
    write(ann, attendees=inviting(BEN))
    ann.work()

    def meanwhile() -> None:
        mails.handler.on_data = lambda: None
        delete(ann)
        ann.work()
        assert ann.mail() == ["2.0.0 taken"]

    mails.handler.on_data = meanwhile
    assert ann.mail() == ["2.0.0 taken"]
    assert [method for _, method in mails.taken_out()] == ["REQUEST", "CANCEL"], "as they were begun"
    assert ann.mail() == ["2.0.0 taken"] and ann.mail() == []
    assert mails.taken_out() == [(BEN, "CANCEL")]


def test_a_mail_that_is_given_up_is_seen_and_can_be_sent_again(ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting(BEN))
    ann.work()
    mails.handler.answers = ["451 4.3.0 later"] * 3
    for _ in range(3):
        assert ann.mail() == ["the mail server answered 451 4.3.0 later"]
        later(ann)
    assert ann.mail() == []

    async def given_up(deps: Deps) -> list[tuple[str, str]]:
        async with deps.database.reading() as connection:
            items = await outbox_listing.list_items(connection, failed=True, limit=10)
            return [(each.item_id, each.host) for each in items]

    ((item_id, host),) = ann.center.run(given_up)
    assert host == "mail"

    async def replay(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            now = int(ann.center.clock())
            assert await guest_messages.outbox.replay(connection, ann.application_id, item_id, now)

    ann.center.run(replay)
    assert ann.mail() == ["2.0.0 taken"]
    assert sequences(mails) == [1]
    write(ann, TEN)
    assert told(ann, mails)[-1] == (BEN, "REQUEST"), "what is new is sent in any case"


def test_an_address_that_no_mail_can_have_is_given_up_at_once(ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting("ben,eve@guests.test", BEN))
    ann.work()
    assert sorted(ann.mail()) == ["2.0.0 taken", "no mail can be addressed to that"] and ann.mail() == []
    assert mails.taken_out() == [(BEN, "REQUEST")]


def test_nobody_hears_of_an_event_that_ended_before_the_mail_could_be_sent(
    ann: ConnectedPerson, mails: MailServer
) -> None:
    write(ann, attendees=inviting(BEN))
    ann.work()
    mails.handler.answers = ["451 4.3.0 later"]
    ann.mail()
    ann.center.clock.now = TEN + 1
    assert ann.mail() == ["the event is over by now"] and ann.mail() == [] and mails.received == []


def test_an_older_promise_that_is_given_up_blames_no_newer_message(ann: ConnectedPerson, mails: MailServer) -> None:
    center = ann.center
    ben = center.person("ben")
    link = center.create_link(ann, ben, target_calendars=with_ben(ann, ben), event_creation="single")
    link.choose(link.page().slots[0])
    ann.work()
    mails.handler.answers = ["451 4.3.0 later"] * 3
    for _ in range(2):
        ann.mail()
        later(ann)
    write(ann, TEN + HOUR, event_id="interview-1")
    ann.work()
    mails.handler.answers = ["451 4.3.0 later"] * 2
    assert len(ann.mail()) == 2, "the older promise for the last time, the newer one for the first"
    assert "problem" not in history(center, link.link_id)
    later(ann)
    assert ann.mail() == ["2.0.0 taken"]
    assert "problem" not in history(center, link.link_id)


def test_what_was_promised_is_not_sent_where_nobody_is_to_invite_any_more(
    ann: ConnectedPerson, mails: MailServer
) -> None:
    write(ann, attendees=inviting(BEN))
    ann.work()
    ann.center.restart(SLOTLINK_INVITATIONS="none")
    assert ann.mail() == ["SLOTLINK_INVITATIONS says that nobody is invited"] and mails.received == []


def test_an_event_that_arrived_unheard_is_told_once_it_is_read(ann: ConnectedPerson, mails: MailServer) -> None:
    """Its writing was given up, and there it stands."""
    service = ann.world._google  # type: ignore[attr-defined] - the double itself
    write(ann, attendees=inviting(BEN))
    service.faults.close_after(method="POST", times=1)
    assert len(ann.work()) == 1
    service.faults.answer(500, {}, {}, times=1000)
    for _ in range(3):
        later(ann)
        ann.work()
    service.faults.clear()
    assert ann.work() == [] and ann.mail() == [] and ann.world.meetings() == [(NINE, TEN)]
    later(ann)
    ann.sync()
    ann.mail()
    assert [each.shown.start for each in mails.received] == [NINE]
    later(ann)
    ann.sync()
    assert ann.mail() == []


def test_who_disconnects_takes_what_was_to_be_said_along(ann: ConnectedPerson, mails: MailServer) -> None:
    write(ann, attendees=inviting(BEN))
    ann.work()
    answer = ann.center.http.post(f"/v1/profiles/{ann.connected.profile_id}/revoke", headers=ann.key)
    assert answer.status_code == 202
    assert ann.mail() == ["the calendar is gone or disconnected, and nobody knows whether the event still stands"]
    assert mails.received == []


def history(center: Center, link_id: str) -> list[str]:
    async def read(deps: Deps) -> list[str]:
        async with deps.database.reading() as connection:
            return [what for _, what, _ in await links.history(connection, center.client_id, link_id)]

    return center.run(read)


@pytest.fixture
def at_radicale(mails: MailServer, tmp_path: Path) -> Generator[tuple[CalDavWorld, ConnectedPerson]]:
    with running(Radicale, tmp_path) as server:
        world = CalDavWorld(server, "work")
        (tmp_path / "center").mkdir()
        variables = {**world.variables, **mails.variables, **RETRIES}
        with Center(tmp_path / "center", clock=Clock(START), **variables) as center:
            yield world, ConnectedPerson(center, world)


def test_guests_hear_that_the_whole_calendar_is_gone(
    at_radicale: tuple[CalDavWorld, ConnectedPerson], mails: MailServer
) -> None:
    """Of what was to be deleted from it just then, too."""
    world, ann = at_radicale
    world.ask("MKCALENDAR", "/alice/other/", b'<mkcalendar xmlns="urn:ietf:params:xml:ns:caldav"/>', XML)
    write(ann, attendees=inviting(BEN))
    write(ann, TEN, event_id="f", attendees=inviting(EVE))
    assert len(told(ann, mails)) == 2
    delete(ann)
    world.close()
    later(ann)
    ann.sync()
    assert told(ann, mails) == [(BEN, "CANCEL"), (EVE, "CANCEL")]


@pytest.mark.parametrize("named", ["My Zone", "Nowhere/Land"])
def test_an_event_that_a_person_rewrites_in_a_zone_of_their_own(
    at_radicale: tuple[CalDavWorld, ConnectedPerson], mails: MailServer, named: str
) -> None:
    world, ann = at_radicale
    write(ann, attendees=inviting(BEN))
    assert told(ann, mails) == [(BEN, "REQUEST")]
    name = world.name_at(NINE)
    zone = ("BEGIN:VTIMEZONE", "TZID:My Zone", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0300")
    head = (f"X-WR-TIMEZONE:{named}", *zone, "TZOFFSETTO:+0300", "END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT")
    text = world.ask("GET", name).decode().replace("BEGIN:VEVENT", "\r\n".join(head), 1)
    moved = text.replace("20270305T090000Z", "20270305T100000Z").replace(
        "T100000Z\r\nDTEND:20270305T100000Z", "T100000Z\r\nDTEND:20270305T110000Z"
    )
    world.ask("PUT", name, moved.encode(), {"Content-Type": "text/calendar"})
    later(ann)
    ann.sync()
    ann.mail()
    assert [(each.shown.start, each.shown.tzid) for each in mails.received] == [(TEN, "Etc/UTC")]
