"""A real mail server (aiosmtpd) that keeps what it is handed, and goes wrong on demand."""

from __future__ import annotations

import asyncio
import email
import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from slotlink.ical.inviting import Shown, read_message, uid_of


@dataclass(frozen=True)
class Received:
    """One mail as it was handed in."""

    sender: str
    recipients: list[str]
    mail: EmailMessage
    encrypted: bool

    @property
    def calendar(self) -> str:
        """The iCalendar object in it, byte for byte."""
        part = self.mail.get_body(("calendar",))
        assert part is not None
        return cast("bytes", part.get_payload(decode=True)).decode()

    @property
    def text(self) -> str:
        part = self.mail.get_body(("plain",))
        assert part is not None
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def shown(self) -> Shown:
        return read_message(self.calendar)

    @property
    def uid(self) -> str:
        return uid_of(self.calendar)

    @property
    def said(self) -> tuple[str, str]:
        """Whom it was for, and its method."""
        method = next(line for line in self.calendar.splitlines() if line.startswith("METHOD:"))
        return self.recipients[0], method.removeprefix("METHOD:")


@dataclass
class Handler:
    received: list[Received] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # by address
    answers: list[str] = field(default_factory=list)  # to the next mails, in the place of taking them
    hangs_up: int = 0  # mails that are taken, and never acknowledged
    on_data: Callable[[], None] = lambda: None

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answers:
            return self.answers.pop(0)
        mail = email.message_from_bytes(cast("bytes", envelope.content), policy=SMTP_POLICY)
        encrypted = cast("Any", server).transport.get_extra_info("ssl_object") is not None
        self.received.append(
            Received(str(envelope.mail_from), envelope.rcpt_tos, cast("EmailMessage", mail), encrypted)
        )
        await asyncio.to_thread(self.on_data)  # which may have further mails sent
        if self.hangs_up:
            self.hangs_up -= 1
            cast("Any", server).transport.abort()
        return "250 2.0.0 taken"


class MailServer(AbstractContextManager["MailServer"]):
    """On a port of its own; `context` and `login` make it one that wants to be spoken to encrypted and by name."""

    def __init__(
        self,
        context: ssl.SSLContext | None = None,
        *,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        asked: list[object] | None = None,
        ascii_only: bool = False,
    ) -> None:
        """asked  whatever anybody gives for a password is put in here"""
        self.handler = Handler()
        options: dict[str, Any] = {"enable_SMTPUTF8": not ascii_only}
        if context is not None and not implicit:
            options |= {"tls_context": context, "require_starttls": True}
        if implicit:
            options["ssl_context"] = context
        if login is not None:

            def authenticate(*args: Any) -> AuthResult:
                given = args[-1]
                if asked is not None:
                    asked.append(given)
                known = isinstance(given, LoginPassword) and (given.login.decode(), given.password.decode()) == login
                return AuthResult(success=known, handled=False)

            options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": not implicit}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._controller = Controller(self.handler, hostname="127.0.0.1", port=self.port, **options)
        self._controller.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._controller.loop.is_running():
            self._controller.stop()

    @property
    def received(self) -> list[Received]:
        return self.handler.received

    def taken_out(self) -> list[tuple[str, str]]:
        """For whom each mail was, and its method. Then they are gone."""
        taken = [each.said for each in self.received]
        self.received.clear()
        return taken

    @property
    def variables(self) -> dict[str, str]:
        """Settings for whoever invites by it."""
        return {
            "SLOTLINK_INVITATIONS": "mail",
            "SLOTLINK_SMTP_URL": f"smtp://127.0.0.1:{self.port}?starttls=never",
            "SLOTLINK_MAIL_FROM": "Globex <scheduling@globex.test>",
        }
