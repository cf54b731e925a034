"""A connection to PostgreSQL on another machine is encrypted, to a server that an authority vouches for."""

from __future__ import annotations

import datetime
import ipaddress
import tempfile
from collections.abc import Generator
from pathlib import Path
from unittest.mock import patch

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slotlink.errors import StoreUnavailable
from slotlink.store import postgresql
from slotlink.store.database import open_database, ping
from tests.postgresql import Cluster, find_postgres


def certificate() -> tuple[bytes, bytes]:
    """(key, certificate) of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()), made.public_bytes(encoding)


KEY, CERTIFICATE = certificate()


@pytest.fixture(scope="module")
def encrypted() -> Generator[Cluster]:
    files = {"server.key": KEY, "server.crt": CERTIFICATE}
    with (
        tempfile.TemporaryDirectory(prefix="slotlink-tls-") as folder,
        Cluster(find_postgres(), Path(folder), ("ssl=on",), files) as cluster,
    ):
        yield cluster


@pytest.fixture
def elsewhere() -> Generator[None]:
    """As if the server were another machine."""
    with patch.object(postgresql, "is_local", lambda _url: False):
        yield


async def reaches(url: str) -> None:
    database = open_database(url)
    try:
        await ping(database)
    finally:
        await database.close()


async def test_another_machine_without_encryption_is_refused(cluster: Cluster, elsewhere: None) -> None:
    with pytest.raises(StoreUnavailable, match="sslmode=disable"):
        await reaches(cluster.new_database())


async def test_another_machine_that_nobody_vouches_for_is_refused(encrypted: Cluster, elsewhere: None) -> None:
    with pytest.raises(StoreUnavailable, match="sslrootcert=FILE"):
        await reaches(encrypted.new_database())


async def test_an_authority_that_the_url_names_is_believed(encrypted: Cluster, elsewhere: None, tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_bytes(CERTIFICATE)
    await reaches(f"{encrypted.new_database()}?sslmode=verify-full&sslrootcert={tmp_path / 'authority.pem'}")


async def test_who_trusts_the_network_says_so(cluster: Cluster, elsewhere: None) -> None:
    await reaches(f"{cluster.new_database()}?sslmode=disable")


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("postgresql://u@127.0.0.1:5/x", True),
        ("postgresql://u:p@s@localhost/x", True),
        ("postgresql:///x", True),
        ("postgresql://u@/x?host=/var/run", True),
        ("postgresql://%2Fvar%2Frun/x", True),
        ("postgresql://[::1]:5432/x", True),
        ("postgresql://[::1]/x", True),
        ("postgresql://u:p@db.internal/x", False),
        ("postgresql://10.0.0.1/x", False),
        ("postgresql://localhost,10.0.0.1/x", False),
        ("postgresql://u@/x?host=localhost&host=db", False),
        ("postgresql://localhost.evil.test/x", False),
        ("postgresql://127.0.0.1.evil.test/x", False),
    ],
)
async def test_this_machine_is_told_from_others(url: str, local: bool) -> None:
    assert postgresql.is_local(url) is local
