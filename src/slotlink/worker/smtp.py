"""Hand one mail in at the operator's mail server. Knows no guest and no event."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from functools import cache

import aiosmtplib

from slotlink.setting_kinds import SmtpServer

QUIT_S = 2.0  # for a polite end


class NotTaken(Exception):
    """The mail server has not taken the mail, or nobody knows whether it has. In our words, without the address.

    for_good  to ask again would change nothing"""

    def __init__(self, words: str, *, for_good: bool = False) -> None:
        super().__init__(words)
        self.for_good = for_good


async def hand_in(server: SmtpServer, mail: EmailMessage, *, sender: str, recipient: str, deadline_s: float) -> str:
    """Return what the server said to it. Raises NotTaken."""
    async with _session(server, sender, deadline_s) as client:
        try:
            _, answer = await client.send_message(mail, sender=sender, recipients=[recipient])
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refused(error.recipients[0], recipient) from error
        except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            raise _refused(error, recipient) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise NotTaken("the mail server takes no addresses beyond ASCII", for_good=True) from error
    return _plain(answer, recipient)


async def look_in(server: SmtpServer, sender: str, *, deadline_s: float) -> None:
    """Connect, encrypt and sign in as for a mail, and leave. Raises NotTaken."""
    async with _session(server, sender, deadline_s):
        return


@asynccontextmanager
async def _session(server: SmtpServer, sender: str, deadline_s: float) -> AsyncGenerator[aiosmtplib.SMTP]:
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        username=server.user or None,
        password=server.password or None,
        local_hostname=sender.rpartition("@")[2],  # the library would look up this machine's name, and wait for it
        timeout=None,
        use_tls=server.tls == "implicit",
        start_tls=server.tls == "starttls",
        tls_context=None if server.tls == "none" else _authorities(),
    )
    try:
        async with asyncio.timeout(deadline_s):
            await client.connect()
            yield client
        with suppress(aiosmtplib.SMTPException, OSError):  # what it has taken it has taken
            await client.quit(timeout=QUIT_S)
    except TimeoutError as error:
        raise NotTaken(f"no answer from {server} in {deadline_s:g} s") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise NotTaken(_in_words(error, server)) from error
    finally:
        client.close()


def _in_words(error: Exception, server: SmtpServer) -> str:
    match error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error:
        case ssl.SSLCertVerificationError(verify_message=why):
            return f"the certificate of {server} was refused: {why}"
        case ssl.SSLError(reason=why):
            return f"no TLS connection with {server}: {(why or 'no reason').replace('_', ' ').lower()}"
        case aiosmtplib.SMTPAuthenticationError(code=code, message=words):
            return f"{server} does not let us in: {code} {_plain(words)}"
        case aiosmtplib.SMTPResponseException(code=code, message=words):
            return f"{server} answered {code} {_plain(words)}" if code > 0 else f"{server} is no mail server"
        case aiosmtplib.SMTPServerDisconnected():
            return f"{server} has closed the connection"
        case aiosmtplib.SMTPConnectError() | OSError():
            return f"could not connect to {server}"
        case _:
            return f"{server}: {_plain(str(error))}"


@cache  # to read the system's authorities takes 20 ms
def _authorities() -> ssl.SSLContext:
    return ssl.create_default_context()


def _refused(error: aiosmtplib.SMTPResponseException, recipient: str) -> NotTaken:
    words = f"the mail server answered {error.code} {_plain(error.message, recipient)}"
    return NotTaken(words, for_good=error.code >= 500)


def _plain(words: str, recipient: str = "") -> str:
    """On one line, and with nobody's address in it, which the server may know by another name."""
    plain = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    return re.sub(r"[^\s<>()\[\]]+@[^\s<>()\[\]:;,]+", "…", plain.replace(recipient, "…") if recipient else plain)
