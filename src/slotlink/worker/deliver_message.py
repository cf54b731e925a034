"""Send one message to a guest by mail (iMIP, RFC 6047), and report how it went."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from slotlink.services.deps import Deps
from slotlink.services.guest_messages import Mail, NothingToSay, find_mail, note_sent
from slotlink.setting_kinds import SmtpServer
from slotlink.store.outbox import Attempt, OutboxItem
from slotlink.worker.smtp import NotTaken, hand_in

InWords = Callable[[Mail], tuple[str, str]]
"""Subject and text of a mail, in the guest's language as far as anybody knows it."""


class MessageClient:
    def __init__(self, deps: Deps, in_words: InWords, clock: Callable[[], float] = time.time) -> None:
        self._deps = deps
        self._in_words = in_words
        self._clock = clock

    async def deliver(self, item: OutboxItem) -> Attempt:
        """One attempt. Whatever the mail server does is an outcome, not an exception."""
        at, began = int(self._clock()), time.monotonic()
        settings = self._deps.settings
        try:
            mail = await find_mail(self._deps, item, at)
        except NothingToSay as error:
            return Attempt(at, 0, None, str(error), ends="dead")
        if isinstance(mail, str):
            return Attempt(at, 0, None, mail, ends="delivered")
        if settings.smtp_url is None or settings.mail_from is None:
            return Attempt(at, 0, None, "no mail is sent any more: SLOTLINK_SMTP_URL is not set", ends="dead")
        ends = None
        try:
            outcome = await self._send(settings.smtp_url, settings.mail_from, mail, at)
            await note_sent(self._deps, mail.message, at)
            ends = "delivered"
        except NotTaken as error:
            outcome, ends = str(error), "dead" if error.for_good else None
        return Attempt(at, round((time.monotonic() - began) * 1000), None, outcome[:500], ends=ends)

    async def _send(self, server: SmtpServer, sender: Address, mail: Mail, at: int) -> str:
        subject, text = self._in_words(mail)
        written = compose(mail, sender, subject, text, at)
        recipient = written["To"].addresses[0].addr_spec
        deadline_s = self._deps.settings.smtp_timeout
        return await hand_in(server, written, sender=sender.addr_spec, recipient=recipient, deadline_s=deadline_s)


def compose(mail: Mail, sender: Address, subject: str, text: str, at: int) -> EmailMessage:
    """Words for people and the message for their calendar, which is two forms of one thing (RFC 6047 section 2.4).

    It comes from us, as no mail server lets us write in the organiser's name; answers go to the organiser.
    Raises NotTaken where the guest's address is none."""
    written = EmailMessage(policy=SMTP)
    written["From"] = sender
    recipient, organizer = _address(mail.message.email), _address(mail.shown.organizer)
    if recipient is None:
        raise NotTaken("no mail can be addressed to that", for_good=True)
    written["To"] = recipient
    if organizer is not None and organizer.addr_spec.lower() != sender.addr_spec.lower():
        written["Reply-To"] = organizer
    written["Subject"] = subject
    written["Date"] = format_datetime(datetime.fromtimestamp(at, UTC))
    written["Message-ID"] = f"<{mail.name}@{sender.domain}>"
    written["Auto-Submitted"] = "auto-generated"  # whoever is on holiday need not say so (RFC 3834)
    written.set_content(text)
    method = "CANCEL" if mail.shown.cancels else "REQUEST"
    written.add_alternative(mail.message.ical, subtype="calendar", params={"method": method}, cte="base64")
    return written


def _address(text: str) -> Address | None:
    """A domain beyond ASCII is written as every mail server knows it (RFC 5890); the part before it cannot be, and only
    some take it (RFC 6531)."""
    local, _, domain = text.rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode()
        if local.isascii():
            return Address(addr_spec=f"{local}@{domain}")
        Address(addr_spec="".join(each if each.isascii() else "x" for each in local) + f"@{domain}")
        return Address(username=local, domain=domain)
    except (ValueError, IndexError, AttributeError, HeaderParseError):  # the parser's own faults with what is none
        return None
