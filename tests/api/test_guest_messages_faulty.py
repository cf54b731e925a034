"""Mail that does not arrive, or arrives twice: at the end every guest has the newest message, as the newest."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from slotlink.services import guest_messages
from slotlink.services.deps import Deps
from slotlink.store import outbox_listing
from slotlink.worker import deliver_message
from tests.api.connected import ConnectedPerson, GoogleWorld
from tests.api.test_guest_messages import BEN, EVE, TEN, delete, inviting, sequences, told, write
from tests.center import START, Center, Clock
from tests.doubles.google import GoogleDouble
from tests.doubles.mail import MailServer

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
    assert host == f"mail/{ann.calendar_id}"

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
