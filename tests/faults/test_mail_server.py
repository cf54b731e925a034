"""The mail server lets us down in every way it can: a defined outcome each, and nobody's password or address told."""

from __future__ import annotations

import socket
from collections.abc import Generator
from email.message import EmailMessage
from pathlib import Path

import pytest

from slotlink import diagnosis
from slotlink.diagnosis import Finding, examine
from slotlink.setting_kinds import SmtpServer
from slotlink.worker import smtp
from slotlink.worker.smtp import NotTaken, hand_in
from tests.doubles.mail import MailServer
from tests.faults.test_callbacks_tls import Authority, _pem
from tests.hostile import never_read, talking

BEN = "ben@guests.test"
SENDER = "scheduling@globex.test"
USER, PASSWORD = "globex", "s3cret/@:"


def mail() -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = SENDER, BEN, "Größe"
    written.set_content("Grüße\n")
    return written


async def outcome(server: SmtpServer, recipient: str = BEN) -> tuple[str, bool]:
    """What a mail came to, in words, and whether that is for good."""
    try:
        return await hand_in(server, mail(), sender=SENDER, recipient=recipient, deadline_s=20), True
    except NotTaken as error:
        assert BEN not in str(error) and PASSWORD not in str(error)
        return str(error), error.for_good


@pytest.fixture
def plain() -> Generator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Authority]:
    """Whom this machine trusts."""
    ours = Authority(tmp_path)
    (tmp_path / "ca.pem").write_bytes(_pem(ours.certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    smtp._authorities.cache_clear()
    yield ours
    smtp._authorities.cache_clear()


async def test_what_the_mail_server_says_to_a_mail(plain: MailServer) -> None:
    server = SmtpServer("127.0.0.1", plain.port, "none")
    assert await outcome(server) == ("2.0.0 taken", True)
    (received,) = plain.received
    assert (received.sender, received.recipients, received.text) == (SENDER, [BEN], "Grüße\n")
    assert received.mail["Subject"] == "Größe"
    for answer, for_good in (("451 4.3.0 later", False), ("554 5.7.1 spam", True), ("421 4.3.2 closing", False)):
        plain.handler.answers = [answer]
        assert await outcome(server) == (f"the mail server answered {answer}", for_good)
    for answer, for_good in ((f"450 4.2.1 <{BEN}> is full", False), (f"550 5.1.1 <{BEN}> is unknown", True)):
        plain.handler.refused[BEN] = answer
        assert await outcome(server) == (f"the mail server answered {answer.replace(BEN, '…')}", for_good)
    plain.handler.refused.clear()
    plain.handler.hangs_up = 1
    assert await outcome(server) == (f"127.0.0.1 port {plain.port} has closed the connection", False)


async def test_what_was_taken_is_taken_however_the_server_ends_it() -> None:
    """It answers no QUIT: to send the mail again would be to send it twice."""

    def talk(connection: socket.socket) -> None:
        def says(words: str) -> None:
            connection.sendall(words.encode() + b"\r\n")

        lines = connection.makefile("rb")
        says("220 here")
        for answer in ("250 hello", "250 ok", "250 ok", "354 go on"):
            lines.readline()
            says(answer)
        while lines.readline() not in (b".\r\n", b""):
            pass
        says("250 2.0.0 taken")
        never_read(connection)

    with talking(talk) as host:
        server = SmtpServer("127.0.0.1", int(host.partition(":")[2]), "none")
        assert await outcome(server) == ("2.0.0 taken", True)


async def test_a_server_that_never_answers() -> None:
    with talking(never_read) as host:
        server = SmtpServer("127.0.0.1", int(host.partition(":")[2]), "none")
        with pytest.raises(NotTaken, match=r"^no answer from 127.0.0.1 port \d+ in 0.2 s$") as caught:
            await hand_in(server, mail(), sender=SENDER, recipient=BEN, deadline_s=0.2)
        assert not caught.value.for_good


async def test_a_server_that_is_none() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        assert await outcome(SmtpServer("127.0.0.1", port, "none")) == (
            f"could not connect to 127.0.0.1 port {port}",
            False,
        )
    for says, words in (
        (b"554 5.7.1 not you\r\n", "answered 554 5.7.1 not you"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no mail server"),
    ):
        with talking(lambda connection, says=says: connection.sendall(says)) as host:
            port = int(host.partition(":")[2])
            said, for_good = await outcome(SmtpServer("127.0.0.1", port, "none"))
            assert (said, for_good) == (f"127.0.0.1 port {port} {words}", False), says
    with talking(lambda _connection: None) as host:
        port = int(host.partition(":")[2])
        assert await outcome(SmtpServer("127.0.0.1", port, "none")) == (
            f"could not connect to 127.0.0.1 port {port}",
            False,
        )
    said, for_good = await outcome(SmtpServer("nowhere.invalid", 25, "none"))
    assert (said, for_good) == ("could not connect to nowhere.invalid port 25", False)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")  # it knows of STARTTLS only
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
async def test_passwords_go_only_to_whoever_proves_the_name(tls: str, authority: Authority, tmp_path: Path) -> None:
    implicit = tls == "implicit"
    login = (USER, PASSWORD)
    with MailServer(authority.proving("localhost"), implicit=implicit, login=login) as server:
        named = SmtpServer("localhost", server.port, "implicit" if implicit else "starttls", *login)
        assert await outcome(named) == ("2.0.0 taken", True)
        assert server.received[0].encrypted
        wrong, for_good = await outcome(SmtpServer(named.host, named.port, named.tls, USER, PASSWORD + "x"))
        assert wrong.startswith(f"localhost port {server.port} does not let us in: 535") and not for_good
        assert len(server.received) == 1
    refusals = {
        "somebody else": (authority.proving("elsewhere.test"), "Hostname mismatch"),
        "expired": (authority.proving("localhost", days=-1), "certificate has expired"),
        "unknown": (Authority(tmp_path).proving("localhost"), "unable to get local issuer certificate"),
    }
    for context, words in refusals.values():
        asked: list[object] = []
        with MailServer(context, implicit=implicit, login=login, asked=asked) as server:
            named = SmtpServer("localhost", server.port, "implicit" if implicit else "starttls", *login)
            said, for_good = await outcome(named)
        assert said.startswith(f"the certificate of localhost port {server.port} was refused: {words}") and not for_good
        assert asked == [], "no password was sent"


async def test_a_server_that_cannot_encrypt_gets_nothing(plain: MailServer, authority: Authority) -> None:
    said, for_good = await outcome(SmtpServer("localhost", plain.port, "starttls", USER, PASSWORD))
    assert "STARTTLS" in said and not for_good and plain.received == []
    said, for_good = await outcome(SmtpServer("localhost", plain.port, "implicit", USER, PASSWORD))
    assert said.startswith(f"no TLS connection with localhost port {plain.port}") and not for_good


async def test_addresses_beyond_ascii_need_a_server_that_takes_them(plain: MailServer) -> None:
    server = SmtpServer("127.0.0.1", plain.port, "none")
    assert await outcome(server, "jürgen@gäste.test") == ("2.0.0 taken", True)
    with MailServer(ascii_only=True) as old:
        said, for_good = await outcome(SmtpServer("127.0.0.1", old.port, "none"), "jürgen@gäste.test")
    assert (said, for_good) == ("the mail server takes no addresses beyond ASCII", True)


async def test_the_doctor_knocks_at_the_mail_server(
    plain: MailServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def about_mail() -> list[Finding]:
        environ = {"SLOTLINK_DATA_DIR": str(tmp_path), **plain.variables}
        return [each for each in await examine(environ) if each.name == "mail"]

    name = f"127.0.0.1 port {plain.port}"
    assert await about_mail() == [Finding("mail", f"{name} lets us in; used for invitations")]
    assert plain.received == []
    plain.close()
    assert await about_mail() == [Finding("mail", f"could not connect to {name}", faulty=True)]
    monkeypatch.setattr(diagnosis, "PROBE_S", 0.1)
    with socket.create_server(("127.0.0.1", plain.port)):
        assert await about_mail() == [Finding("mail", f"no answer from {name} in 0.1 s", faulty=True)]
