"""A mail as it goes out, read back as whoever gets it would."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotlink.ical import write_event
from slotlink.ical.inviting import cancellation, read_message, request
from slotlink.ical.writing import Attendee
from slotlink.services.guest_messages import Mail
from slotlink.store.guest_messages import GuestMessage
from slotlink.web.mail_words import mail_words
from slotlink.worker.deliver_message import compose
from slotlink.worker.smtp import NotTaken

SENDER = Address("Globex", addr_spec="scheduling@globex.test")
BEN = "ben@guests.test"
NINE = 1_804_237_200  # Friday 5 March 2027, 09:00 UTC


def mail(
    *,
    cancels: bool = False,
    sent: int = 0,
    locale: str | None = "en-GB",
    organizer: str = "ann@host.test",
    **event: Any,
) -> Mail:
    whole = {"uid": "k", "start": NINE, "end": NINE + 3600, "tzid": "Europe/Berlin", "summary": "Talk", "stamp": 1}
    text = request(
        write_event(**{**whole, **event}),
        uid="k@slotlink",
        organizer=organizer,
        guests=[Attendee(BEN, "Ben")],
        tzid="Europe/Berlin",
        stamp=1,
        sequence=2,
    )
    text = cancellation(text, guest=BEN, whole=True, stamp=1, sequence=3) if cancels else text
    return Mail(GuestMessage("app", "cal", "evt", BEN, text, 2, sent), read_message(text), "abc.2", locale)


def sent(message: Mail) -> EmailMessage:
    written = compose(message, SENDER, *mail_words(message), NINE - 86400)
    read = message_from_bytes(written.as_bytes(), policy=default)
    assert isinstance(read, EmailMessage)
    return read


def test_a_mail_is_words_for_people_and_an_object_for_their_calendar() -> None:
    read = sent(mail(location="Room 1", description="Bring a pen."))
    assert {
        name: str(read[name]) for name in ("From", "To", "Reply-To", "Subject", "Message-ID", "Auto-Submitted")
    } == {
        "From": "Globex <scheduling@globex.test>",
        "To": BEN,
        "Reply-To": "ann@host.test",
        "Subject": "Invitation: Talk",
        "Message-ID": "<abc.2@globex.test>",
        "Auto-Submitted": "auto-generated",
    }
    assert str(read["Date"]) == "Thu, 04 Mar 2027 09:00:00 +0000"
    words, calendar = read.iter_parts()
    assert read.get_content_type() == "multipart/alternative"
    assert words.get_content().replace("\r\n", "\n") == (
        "ann@host.test invites you\n\n"
        "Talk\nFriday 5 March 2027\n10:00 – 11:00\nBerlin time, CET (UTC+1)\nRoom 1\n\n"
        "Bring a pen.\n"
    )
    assert calendar.get_content_type() == "text/calendar"
    assert (calendar.get_param("method"), calendar.get_param("charset")) == ("REQUEST", "utf-8")
    assert (
        calendar.get_payload(decode=True) == mail(location="Room 1", description="Bring a pen.").message.ical.encode()
    )


def test_a_cancellation_says_so() -> None:
    read = sent(mail(cancels=True))
    words, calendar = read.iter_parts()
    assert (read["Subject"], calendar.get_param("method")) == ("Cancelled: Talk", "CANCEL")
    assert words.get_content().startswith("You need not keep this time free any more.")


def test_who_has_no_address_organises_in_our_name() -> None:
    assert sent(mail(organizer="scheduling@globex.test"))["Reply-To"] is None


def test_what_is_no_address_is_not_written_to() -> None:
    """The API takes whatever has one @."""
    for email in (
        *("ben,eve@guests.test", "<ben@guests.test>", "ben@guests.test>", "ben@[1.2.3.4", "ben@\u2028", "ben@a..b"),
        *("jürgen,eve@guests.test", "<jürgen@guests.test>", "ben@" + "ü" * 70),
    ):
        message = mail()
        with pytest.raises(NotTaken) as caught:
            sent(replace(message, message=replace(message.message, email=email)))
        assert caught.value.for_good and email not in str(caught.value)


def test_addresses_beyond_ascii() -> None:
    """Every mail server knows the domain; the part before it only some do."""

    def addressed(email: str) -> str:
        message = mail()
        written = compose(replace(message, message=replace(message.message, email=email)), SENDER, "Subject", "Text", 0)
        return written["To"].addresses[0].addr_spec

    assert addressed("ben@gäste.test") == "ben@xn--gste-loa.test"
    assert addressed("jürgen@gäste.test") == "jürgen@xn--gste-loa.test"
    assert sent(mail(organizer="ann@gäste.test"))["Reply-To"] == "ann@xn--gste-loa.test"


@pytest.mark.parametrize(
    ("changes", "subject", "line"),
    [
        ({"sent": 1}, "Changed: Talk", "10:00 – 11:00"),
        ({"locale": "de"}, "Einladung: Talk", "Freitag, 5. März 2027"),
        ({"locale": "en-US"}, "Invitation: Talk", "10:00 AM – 11:00 AM"),
        ({"locale": None, "tzid": "Etc/UTC"}, "Invitation: Talk", "UTC+0"),
        ({"locale": "xx"}, "Invitation: Talk", "Friday 5 March 2027"),
        ({"end": NINE + 20 * 3600}, "Invitation: Talk", "Friday 5 March 2027, 10:00 –"),
        ({"summary": "Two\nlines"}, "Invitation: Two lines", "Two lines"),
        ({"summary": ""}, "Invitation:", "Friday 5 March 2027"),
    ],
)
def test_words_and_times(changes: dict[str, Any], subject: str, line: str) -> None:
    read = sent(mail(**changes))
    assert read["Subject"] == subject
    words, _ = read.iter_parts()
    assert line in words.get_content().splitlines()


TEXT = st.text(max_size=200)


@given(summary=TEXT, description=TEXT, location=TEXT)
def test_no_text_of_an_event_becomes_a_header_or_a_part(summary: str, description: str, location: str) -> None:
    message = mail(summary=summary, description=description, location=location)
    written = compose(message, SENDER, *mail_words(message), NINE)
    read = message_from_bytes(written.as_bytes(policy=SMTP), policy=default)
    assert isinstance(read, EmailMessage)
    assert sorted(name.lower() for name in read.keys()) == sorted(  # noqa: SIM118 - a mail has no other view of them
        ["from", "to", "reply-to", "subject", "date", "message-id", "auto-submitted", "mime-version", "content-type"]
    )
    assert [part.get_content_type() for part in read.iter_parts()] == ["text/plain", "text/calendar"]
    assert read["To"].addresses[0].addr_spec == BEN
