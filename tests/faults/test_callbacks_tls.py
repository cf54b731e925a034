"""Callbacks over TLS: whoever cannot prove the name is told nothing, and the operator is told why."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp.connector
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.faults.deliveries import Deliveries
from tests.hostile import NameServer, asked, never_read, talking

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def test_the_request_goes_to_the_name_that_the_certificate_proves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        requests.append(asked(connection))
        connection.sendall(OK)

    ours, theirs = Authority(tmp_path), Authority(tmp_path)
    aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(cadata=_pem(ours.certificate).decode())
    with (
        NameServer() as names,
        talking(answer, tls=ours.proving("receiver.test")) as good,
        talking(answer, tls=ours.proving("somebody-else.test")) as other,
        talking(answer, tls=ours.proving("receiver.test", days=-1)) as expired,
        talking(answer, tls=theirs.proving("receiver.test")) as unknown,
        talking(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as plain,
        talking(never_read) as silent,
    ):
        names.answers = {"receiver.test": [["127.0.0.1"]]}
        monkeypatch.setattr(socket, "getaddrinfo", names)
        ports = [host.partition(":")[2] for host in (good, other, expired, unknown, plain, silent)]
        variables = {"SLOTLINK_CALLBACK_TIMEOUT": "2s", "SLOTLINK_CALLBACK_RETRIES": "1h"}
        async with Deliveries.at(tmp_path, **variables, SLOTLINK_CALLBACK_ALLOW="127.0.0.1") as deliveries:
            ends = await deliveries.outcomes(*(f"https://receiver.test:{port}/?key=s3cret" for port in ports))
    assert ends[0] == (200, "answered 200")
    assert [code for code, _ in ends[1:]] == [None] * 5
    told = [outcome for _, outcome in ends[1:]]
    assert told[0].startswith("the certificate was refused: Hostname mismatch")
    assert told[1] == "the certificate was refused: certificate has expired"
    assert told[2] == "the certificate was refused: unable to get local issuer certificate"
    assert told[3] == "no TLS connection: wrong version number"
    assert told[4] == "no answer in time"
    assert not any("s3cret" in outcome for outcome in told)
    assert ours.asked_for + theirs.asked_for == ["receiver.test"] * 4, "the name is in SNI"
    [request] = requests
    assert f"\r\nHost: receiver.test:{ports[0]}\r\n".encode() in request


class Authority:
    """Signs certificates for receivers, and notes which name each of their clients asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority {id(self)}")])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._sign(self._name, self._key, 30, constraints, critical=True)
        self.asked_for: list[str | None] = []

    def proving(self, name: str, *, days: int = 30) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(subject, key, days, x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = self._folder / f"{certificate.serial_number}.pem"
        file.write_bytes(private + _pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        context.sni_callback = lambda _socket, asked_for, _context: self.asked_for.append(asked_for)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days: int,
        extension: x509.ExtensionType,
        *,
        critical: bool,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(extension, critical)
        )
        return builder.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
