"""Every start that must be refused: what is wrong and what to do, in a sentence each, and nothing is served."""

from __future__ import annotations

import socket
import sqlite3
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from slotlink.store import postgresql
from slotlink.vault import new_key
from tests.faults.commands import Folder
from tests.forked import Done
from tests.postgresql import Cluster

URL, KEYS = "SLOTLINK_DATABASE_URL", "SLOTLINK_SECRET_KEYS"
PASSWORD = "hunter2hunter2"
STARTS = (("serve", "--port", "0"), ("work",), ("migrate",), ("applications", "list"))


def refused(done: Done, *texts: str) -> None:
    assert done.code > 0 and done.out == "", done
    for text in texts:
        assert text in done.err
    assert "Traceback" not in done.err and PASSWORD not in done.err
    assert all(line.startswith("error: ") for line in done.err.splitlines()), done.err


def found_by_doctor(done: Done, name: str, *texts: str) -> None:
    """The doctor goes on after what it finds, and says it in its report."""
    assert done.code == 1 and done.err == "" and PASSWORD not in done.out
    faulty = [line for line in done.out.splitlines() if line.startswith("✗")]
    assert any(line.startswith(f"✗ {name}: ") and all(text in line for text in texts) for line in faulty), done.out


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "write sqlite:///FILE or postgresql://"),
        (f"slotlink:{PASSWORD}@db/slotlink", "write sqlite:///FILE or postgresql://"),
        (f"mysql://slotlink:{PASSWORD}@db/slotlink", "no other engine"),
        (f"postgresql+psycopg://slotlink:{PASSWORD}@db/slotlink", "no other engine"),
        ("sqlite:slotlink.db", "write sqlite:///FILE"),
        ("sqlite://slotlink.db", "name the file: sqlite:///FILE"),
        ("sqlite:///", "name the file"),
        ("sqlite:////tmp/", "name the file"),
        (f"postgresql://slotlink:{PASSWORD}@db:port/slotlink", "postgresql://user:password@host:port/database"),
        (f"postgresql://slotlink:{PASSWORD}@db:65536/slotlink", "host:port"),
        (f"postgresql://slotlink:{PASSWORD}@db:5432,other:port/slotlink", "host:port"),
        (f"postgresql://slotlink:{PASSWORD}@[::1/slotlink", "host:port"),
        (f"postgresql://slotlink:{PASSWORD}@{PASSWORD}@db/slotlink", "%40"),
        (f"postgresql://slotlink:{PASSWORD}/{PASSWORD}@db/slotlink", "%2F"),
    ],
)
def test_a_url_that_is_none_says_how_it_is_written(folder: Folder, url: str, says: str) -> None:
    refused(folder("serve", "--port", "0", **{URL: url}), f"{URL}: ", says)
    found_by_doctor(folder("doctor", **{URL: url}), "settings", URL, says)
    assert sorted(folder.path.iterdir()) == []


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("127.0.0.1:1/x", "refused"),
        ("no-such-host.invalid/x", ""),  # in the resolver's own words
        ("{server}/no_such_database", 'database "no_such_database" does not exist'),
        ("{server}/postgres?sslmode=perhaps", "sslmode"),
        ("a..b/x", "check SLOTLINK_DATABASE_URL"),
        ("{hanging}/x", "no answer in time"),
    ],
)
def test_a_server_that_cannot_be_used_is_said(
    folder: Folder, cluster: Cluster, hanging: str, where: str, says: str
) -> None:
    assert postgresql.CONNECT_TIMEOUT_S <= 10
    sooner = "from slotlink.store import postgresql\npostgresql.CONNECT_TIMEOUT_S = 0.5"
    url = f"postgresql://slotlink:{PASSWORD}@{where.format(server=f'127.0.0.1:{cluster.port}', hanging=hanging)}"
    for command in STARTS:
        refused(folder(*command, before=sooner, **{URL: url}), URL, says)
    found_by_doctor(folder("doctor", before=sooner, **{URL: url}), "database", says)


def test_a_wrong_password_is_said(folder: Folder, cluster: Cluster) -> None:
    cluster.sql(f"CREATE ROLE careful LOGIN PASSWORD '{PASSWORD}'")
    access = Path(cluster.sql("SHOW hba_file"))
    access.write_text("host all careful 127.0.0.1/32 scram-sha-256\n" + access.read_text())
    cluster.sql("SELECT pg_reload_conf()")
    url = cluster.new_database().replace("slotlink@", "careful:{}@")
    for command in STARTS:
        refused(folder(*command, **{URL: url.format("wrong")}), 'password authentication failed for user "careful"')
    assert "password" not in folder("migrate", **{URL: url.format(PASSWORD)}).err


def test_what_a_user_may_not_do_is_said(folder: Folder, cluster: Cluster) -> None:
    """Two rights are needed to migrate: to create tables, and to create the extension."""
    cluster.sql("CREATE ROLE humble LOGIN")
    url = cluster.new_database()
    name = url.rpartition("/")[2]
    cluster.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name)  # as it is from PostgreSQL 15 on
    for right, refusal in (
        ("CONNECT ON DATABASE " + name, "permission denied for schema public"),
        ("CREATE ON SCHEMA public", 'permission denied to create extension "btree_gist"'),
    ):
        cluster.sql(f"GRANT {right} TO humble", name)
        refused(folder("migrate", **{URL: url.replace("slotlink@", "humble@")}), refusal, "must own the database")
    cluster.sql(f"GRANT CREATE ON DATABASE {name} TO humble", name)
    assert folder("migrate", **{URL: url.replace("slotlink@", "humble@")}).code == 0


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_newer_schema_is_refused_by_whatever_starts(
    request: pytest.FixtureRequest, folder: Folder, engine: str
) -> None:
    if engine == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        folder.environ[URL] = cluster.new_database()
    assert folder("migrate").code == 0
    newer = "UPDATE alembic_version SET version_num = '9999'"
    if engine == "postgresql":
        cluster.sql(newer, folder.environ[URL].rpartition("/")[2])
    else:
        with sqlite3.connect(folder.path / "slotlink.db") as connection:
            connection.execute(newer)
    for command in (*STARTS, ("keys", "list")):
        refused(folder(*command), "'9999'", "newer version", "backup")
    found_by_doctor(folder("doctor"), "schema", "newer version")


def test_a_file_that_is_no_database_is_left_alone(folder: Folder) -> None:
    path = folder.path / "slotlink.db"
    path.write_text("letters to the editor " * 1000)
    for command in STARTS:
        refused(folder(*command), str(path), "not a database")
    found_by_doctor(folder("doctor"), "settings", "not a database")
    assert path.read_text() == "letters to the editor " * 1000


def test_a_folder_in_the_place_of_the_file_is_said(folder: Folder) -> None:
    (folder.path / "slotlink.db").mkdir()
    for command in STARTS:
        refused(folder(*command), str(folder.path / "slotlink.db"), "SLOTLINK_DATA_DIR")


@pytest.fixture
def shielded() -> Generator[tuple[Folder, str]]:
    """A data folder with a database that may be read and not written, and how to become one who may not."""
    nobody = "import os\nif os.geteuid() == 0: os.setgroups([]), os.setgid(65534), os.setuid(65534)"
    with tempfile.TemporaryDirectory(prefix="slotlink-shielded-") as name:
        folder = Folder(Path(name))
        assert folder("migrate").code == 0
        yield folder, nobody
        folder.path.chmod(0o755)


def test_a_folder_that_may_not_be_written_is_said(shielded: tuple[Folder, str]) -> None:
    folder, nobody = shielded
    for path in [*folder.path.iterdir(), folder.path]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for command in STARTS:
        refused(folder(*command, before=nobody), str(folder.path), "SLOTLINK_DATA_DIR")
    del folder.environ[KEYS]
    refused(folder("migrate", before=nobody), f"cannot keep the keys in {folder.path}: Permission denied")


def test_a_file_that_may_not_be_written_is_said(shielded: tuple[Folder, str]) -> None:
    folder, nobody = shielded
    for path in folder.path.iterdir():
        path.chmod(0o444)
    folder.path.chmod(0o777)
    for command in STARTS:
        refused(folder(*command, before=nobody), "SLOTLINK_DATA")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("tooshort-but-secret", "is written in base64"),
        (new_key() + ",not base64 at all", "key 2 of 5: "),
        (new_key() + "\n" + new_key()[:-8], "key 2 of 2: a key has 32 bytes, this one has"),
        (" , ", "there is no key in it"),
    ],
    ids=["short", "not base64", "cut off", "none"],
)
def test_keys_that_are_none_are_told_by_their_place(folder: Folder, keys: str, says: str) -> None:
    done = folder("serve", "--port", "0", **{KEYS: keys})
    refused(done, KEYS, says, "slotlink doctor --new-key")
    assert not any(key in done.err for key in keys.split() if len(key) > 9)
    found_by_doctor(folder("doctor", **{KEYS: keys}), "settings", KEYS)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "there is no key in it"), (b"no key!", "base64"), (b"\xff\xfe\x00", "cannot be used")]
)
def test_a_kept_key_file_that_cannot_be_used_is_said(folder: Folder, content: bytes, says: str) -> None:
    del folder.environ[KEYS]
    path = folder.path / "secret.keys"
    path.write_bytes(content)
    refused(folder("serve", "--port", "0"), str(path), says, "restore it from a backup")
    assert path.read_bytes() == content


def test_a_named_key_file_that_cannot_be_used_is_said(folder: Folder) -> None:
    key = folder.environ.pop(KEYS)
    path = folder.path / "ring"
    refused(folder("serve", "--port", "0", SLOTLINK_SECRET_KEYS_FILE=str(path)), "cannot read", str(path))
    for content, says in ((b"\n", "is empty"), (b"no key!", "base64"), (b"\xff\xfe\x00", "is no text")):
        path.write_bytes(content)
        refused(folder("serve", "--port", "0", SLOTLINK_SECRET_KEYS_FILE=str(path)), KEYS, says)
    refused(folder("serve", "--port", "0", SLOTLINK_SECRET_KEYS_FILE=str(folder.path)), "Is a directory")
    assert [file.name for file in folder.path.iterdir()] == ["ring"], "no key was made in the place of the bad one"
    path.write_text(f"{new_key()}\n{key}\n")
    assert folder("migrate", SLOTLINK_SECRET_KEYS_FILE=str(path)).code == 0
    assert len(folder("keys", "list", "--json", SLOTLINK_SECRET_KEYS_FILE=str(path)).json["keys"]) == 2


def test_secrets_that_others_can_read_are_warned_of(folder: Folder, tmp_path: Path) -> None:
    path = tmp_path / "ring"
    path.write_text(folder.environ.pop(KEYS))
    path.chmod(0o644)
    variables = {"SLOTLINK_SECRET_KEYS_FILE": str(path)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = ("serve", "--port", str(taken.getsockname()[1]))
        warned = folder(*command, **variables)
        path.chmod(0o600)
        quiet = folder(*command, **variables)
    assert "secrets.others_can_read" in warned.err and str(path) in warned.err and "chmod 600" in warned.err
    assert "others_can_read" not in quiet.err and "choose another --port" in quiet.err


@pytest.fixture
def hanging() -> Generator[str]:
    """A server that accepts and says nothing, as a firewall or a frozen machine may."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
