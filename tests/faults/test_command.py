"""The command line as operators and packagers use it: every command, and every start that must be refused."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys

import pytest

from tests.faults.commands import Folder
from tests.faults.live import LiveCenter
from tests.forked import run_command
from tests.postgresql import Cluster
from tests.serving import LiveServer, serving

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//test//EN
BEGIN:VEVENT
UID:one@example.com
DTSTAMP:20260101T000000Z
SUMMARY:{summary}
DTSTART:20270104T090000Z
DTEND:20270104T100000Z
END:VEVENT
BEGIN:VEVENT
UID:two@example.com
DTSTAMP:20260101T000000Z
SUMMARY:Weekly
DTSTART:20270105T090000Z
DTEND:20270105T100000Z
RRULE:FREQ=WEEKLY;COUNT=3
END:VEVENT
END:VCALENDAR
"""


def test_an_application_is_made_listed_and_its_secret_rotated(folder: Folder) -> None:
    made = folder("applications", "create", "Globex Ltd", "--json").json
    assert made.keys() == {"client_id", "client_secret"}
    client_id = made["client_id"]

    def listed() -> object:
        return folder("applications", "list", "--json").json

    row = {"client_id": client_id, "name": "Globex Ltd", "active_secrets": 1}
    assert listed() == {"applications": [row]}
    only = folder("applications", "revoke-secret", client_id)
    assert only.code == 1 and "only one secret is active" in only.err
    rotated = folder("applications", "rotate-secret", client_id, "--json").json
    assert rotated["client_id"] == client_id and rotated["client_secret"] != made["client_secret"]
    assert listed() == {"applications": [row | {"active_secrets": 2}]}
    third = folder("applications", "rotate-secret", client_id)
    assert third.code == 1 and "revoke the older one first" in third.err
    assert folder("applications", "revoke-secret", client_id, "--json").json["client_id"] == client_id
    assert listed() == {"applications": [row]}
    told = folder("applications", "list")
    assert client_id in told.out and "Globex Ltd" in told.out
    for secret in (made["client_secret"], rotated["client_secret"]):
        assert secret not in told.out + told.err + (folder.path / "slotlink.db").read_bytes().decode("latin-1")


def test_unknown_applications_and_names_that_are_none_are_refused(folder: Folder) -> None:
    unknown = folder("applications", "rotate-secret", "nobody")
    assert unknown.code == 1 and "nobody" in unknown.err and "Traceback" not in unknown.err
    assert folder("applications", "create", " ").code == 1
    assert folder("applications", "list", "--json").json == {"applications": []}


def test_a_calendar_is_imported_and_again_by_uid(served: tuple[Folder, LiveServer]) -> None:
    folder, server = served
    with LiveCenter.at(server, folder.environ) as center:
        maya = center.person("maya")
        file = folder.path / "calendar.ics"
        for summary in ("First", "Second"):
            file.write_text(ICS.format(summary=summary))
            done = folder("calendars", "import", str(file), "--account", maya.sub, "--json").json
            assert done == {"account": maya.sub, "calendar_id": maya.calendar_id, "events": 2, "repeating": 1}
            days = {"from": "2027-01-01", "to": "2027-02-01"}
            assert sorted(event["summary"] for event in maya.events(**days)) == sorted([summary, *["Weekly"] * 3])
        file.write_text("no calendar at all")
        refused = folder("calendars", "import", str(file), "--account", maya.sub)
        assert refused.code == 1 and "Traceback" not in refused.err
        assert len(maya.events(**days)) == 4
        nobody = folder("calendars", "import", str(file), "--account", "apc_nobody")
        assert nobody.code == 1 and "apc_nobody" in nobody.err
        assert folder("calendars", "import", str(folder.path / "none.ics"), "--account", maya.sub).code == 2


def test_migrating_is_safe_to_repeat(folder: Folder, cluster: Cluster) -> None:
    for variables in ({}, {"SLOTLINK_DATABASE_URL": cluster.new_database()}):
        first, again = folder("migrate", **variables), folder("migrate", **variables)
        assert (first.code, again.code) == (0, 0)
        assert "none → " in first.out and "current already" in again.out
    with sqlite3.connect(folder.path / "slotlink.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = folder("migrate")
    assert newer.code == 2 and "newer version" in newer.err


def test_postgresql_is_not_served_before_it_is_migrated(folder: Folder, cluster: Cluster) -> None:
    url = {"SLOTLINK_DATABASE_URL": cluster.new_database()}
    for command in (("serve", "--port", "0"), ("work",), ("applications", "list")):
        refused = folder(*command, **url)
        assert refused.code == 2 and "slotlink migrate" in refused.err and refused.out == ""


def test_a_second_process_at_a_sqlite_file_is_refused_with_the_reason(served: tuple[Folder, LiveServer]) -> None:
    folder, _ = served
    for command in (("serve", "--port", "0"), ("work",)):
        refused = folder(*command)
        assert refused.code == 2 and refused.out == ""
        assert "already served by another process" in refused.err and "PostgreSQL" in refused.err


def test_commands_that_are_no_servers_run_beside_one(served: tuple[Folder, LiveServer]) -> None:
    folder, server = served
    made = folder("applications", "create", "Beside", "--json").json
    with LiveCenter(server, made["client_id"], made["client_secret"]) as center:
        assert center.person("maya").events() == []


def test_a_database_that_does_not_answer_is_said_in_a_sentence(folder: Folder) -> None:
    for command in (("serve", "--port", "0"), ("migrate",), ("applications", "list")):
        refused = folder(*command, SLOTLINK_DATABASE_URL="postgresql://slotlink@127.0.0.1:1/none")
        assert refused.code == 1 and "the database cannot be used" in refused.err and "Traceback" not in refused.err


def test_several_workers_on_sqlite_are_refused_with_the_reason(folder: Folder) -> None:
    refused = folder("serve", "--port", "0", "--workers", "2")
    assert refused.code == 2 and "one process owns a SQLite file" in refused.err and "PostgreSQL" in refused.err


def test_a_port_that_is_taken_is_said_in_a_sentence(served: tuple[Folder, LiveServer], folder: Folder) -> None:
    _, server = served
    refused = folder("serve", "--port", server.url.rpartition(":")[2])
    assert refused.code == 2 and "choose another --port" in refused.err and "Traceback" not in refused.err


def test_a_misspelt_setting_stops_the_start_and_the_nearest_is_named(folder: Folder) -> None:
    refused = folder("serve", "--port", "0", SLOTLINK_CALLBACK_TIMOUT="5s", SLOTLINK_HOLD="soon")
    assert refused.code == 2 and refused.out == ""
    assert "SLOTLINK_CALLBACK_TIMOUT is not a setting; did you mean SLOTLINK_CALLBACK_TIMEOUT?" in refused.err
    assert "SLOTLINK_HOLD: " in refused.err, "every fault at once"


def test_a_bad_secret_is_not_repeated_in_the_error(folder: Folder) -> None:
    refused = folder(
        "migrate", SLOTLINK_SECRET_KEYS="tooshort-but-secret", SLOTLINK_DATABASE_URL="nonsense://u:pw1234@h"
    )
    assert refused.code == 2 and "SLOTLINK_SECRET_KEYS" in refused.err
    assert "tooshort-but-secret" not in refused.err and "pw1234" not in refused.err


def test_a_secret_may_come_from_a_file(folder: Folder) -> None:
    key = folder.path / "ring"
    key.write_text(folder.environ.pop("SLOTLINK_SECRET_KEYS") + "\n")
    assert folder("applications", "create", "Globex", SLOTLINK_SECRET_KEYS_FILE=str(key)).code == 0
    assert not (folder.path / "secret.keys").exists()
    report = folder("doctor", "--json", SLOTLINK_SECRET_KEYS=key.read_text().strip()).json
    assert [check["text"] for check in report["checks"] if check["name"] == "keys"] == [
        "1 in the ring; all 1 stored client secrets open"
    ]
    missing = folder("migrate", SLOTLINK_SECRET_KEYS_FILE=str(folder.path / "none"))
    assert missing.code == 2 and "cannot read" in missing.err
    plain = folder("migrate", SLOTLINK_DATA_CENTER_FILE=str(key))
    assert plain.code == 2 and "SLOTLINK_DATA_CENTER_FILE is not a setting" in plain.err


def test_the_key_file_is_made_once_for_its_owner_only(folder: Folder) -> None:
    del folder.environ["SLOTLINK_SECRET_KEYS"]
    assert folder("applications", "create", "Globex").code == 0
    path = folder.path / "secret.keys"
    made = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder("doctor").code == 0 and path.read_text() == made
    assert [name.name for name in folder.path.iterdir() if "secret.keys" in name.name] == ["secret.keys"]


def test_postgresql_wants_keys_of_its_own(folder: Folder) -> None:
    del folder.environ["SLOTLINK_SECRET_KEYS"]
    refused = folder("serve", "--port", "0", SLOTLINK_DATABASE_URL="postgresql://slotlink@127.0.0.1:1/none")
    assert refused.code == 2 and "SLOTLINK_SECRET_KEYS is required with PostgreSQL" in refused.err
    assert "doctor --new-key" in refused.err and not (folder.path / "secret.keys").exists()


def test_a_folder_that_is_not_there_yet_is_made(folder: Folder) -> None:
    away = folder.path / "not" / "made" / "yet"
    assert folder("migrate", SLOTLINK_DATA_DIR=str(away)).code == 0
    assert (away / "slotlink.db").exists()
    with serving(folder.path, SLOTLINK_DATA_DIR=str(folder.path / "nor" / "this")):
        assert (folder.path / "nor" / "this" / "slotlink.db").exists()


def test_a_folder_that_cannot_be_had_is_said_in_a_sentence(folder: Folder) -> None:
    for variables in ({"SLOTLINK_DATA_DIR": "/dev/null/x"}, {"SLOTLINK_DATABASE_URL": "sqlite:////dev/null/x.db"}):
        for command in (("serve", "--port", "0"), ("migrate",)):
            refused = folder(*command, **variables)
            assert refused.code == 2 and "Traceback" not in refused.err and "SLOTLINK_DATA_DIR" in refused.err


def test_a_worker_alone_stops_cleanly(folder: Folder, cluster: Cluster) -> None:
    environ = folder.environ | {"SLOTLINK_DATABASE_URL": cluster.new_database()}
    assert folder("migrate", **environ).code == 0
    worker = subprocess.Popen(
        [sys.executable, "-m", "slotlink", "work"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None and worker.stdout.readline() == "working\n"
    worker.terminate()
    _, err = worker.communicate(timeout=10)
    assert worker.returncode == 0 and "Traceback" not in err


def test_a_data_folder_says_nothing_of_secrets_and_the_log_is_json(served: tuple[Folder, LiveServer]) -> None:
    folder, server = served
    with LiveCenter.at(server, folder.environ) as center:
        maya = center.person("maya")
        center.http.get("/v1/userinfo", headers={"Authorization": "Bearer wrong"})
        link = center.create_link(maya)
        secrets = [center.client_secret, maya.access_token, maya.refresh_token, link.token]
    log = (folder.path / "server.log").read_text()
    assert not [secret for secret in secrets if secret in log]
    assert all(isinstance(json.loads(line), dict) for line in log.splitlines())


def test_the_demo_plays_its_visitor_and_ends_well(folder: Folder) -> None:
    environ = folder.environ | {"PORT": "0"}
    environ.pop("SLOTLINK_DATA_DIR"), environ.pop("SLOTLINK_SECRET_KEYS")
    done = run_command(environ, "demo", "--once")
    assert done.code == 0, done.err
    said = re.sub(r"\s+", " ", done.out)
    for expected in ("before status open", "after status completed", "signature valid", "curl -H"):
        assert expected in said
    assert list(folder.path.iterdir()) == [], "it leaves nothing behind"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "serve",
        "work",
        "migrate",
        "demo",
        "applications",
        "applications create",
        "calendars import",
        "keys",
        "keys list",
        "keys rotate",
        "doctor",
    ],
)
def test_every_command_explains_itself(folder: Folder, command: str) -> None:
    done = folder(*command.split(), "--help")
    assert done.code == 0 and "Usage:" in done.out and "Traceback" not in done.err
