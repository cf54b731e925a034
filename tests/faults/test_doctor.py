"""`slotlink doctor`: healthy where all is well, a fault by its name where it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from slotlink import diagnosis
from slotlink.diagnosis import examine
from slotlink.vault import new_key
from tests.faults.commands import Folder
from tests.postgresql import Cluster
from tests.serving import LiveServer


def test_the_doctor_finds_a_served_data_center_healthy(served: tuple[Folder, LiveServer]) -> None:
    folder, server = served
    urls = {"SLOTLINK_API_URL": server.url, "SLOTLINK_APP_URL": server.url}
    report = folder("doctor", "--json", **urls).json
    assert report["healthy"] is True and all(check["ok"] for check in report["checks"])
    assert {"settings", "database", "schema", "clock", "keys", "zone data", "SLOTLINK_API_URL", "SLOTLINK_APP_URL"} <= {
        check["name"] for check in report["checks"]
    }
    assert folder("doctor", **urls).code == 0


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"SLOTLINK_API_URL": "http://127.0.0.1:1"}, "SLOTLINK_API_URL"),
        ({"SLOTLINK_DATA_CENTER": "another", "SLOTLINK_APP_URL": "{url}"}, "SLOTLINK_APP_URL"),
        ({"SLOTLINK_SECRET_KEYS": "{new_key}"}, "keys"),
        ({"SLOTLINK_SECRET_KEYS": "short"}, "settings"),
        ({"SLOTLINK_DATABASE_URL": "postgresql://slotlink@127.0.0.1:1/none"}, "database"),
        ({"SLOTLINK_DATABASE_URL": "sqlite:////dev/null/slotlink.db"}, "settings"),
        ({"SLOTLINK_DATABASE_URL": "nonsense"}, "settings"),
        ({"SLOTLINK_CALLBACK_ALLOW": "10.0.0.0/8:http"}, "settings"),
        ({"SLOTLINK_DATA_CENTRE": "de"}, "settings"),
    ],
)
def test_the_doctor_finds_a_fault(served: tuple[Folder, LiveServer], variables: dict[str, str], name: str) -> None:
    folder, server = served
    if folder("applications", "list", "--json").json == {"applications": []}:
        folder("applications", "create", "Globex")
    filled = {key: value.format(url=server.url, new_key=new_key()) for key, value in variables.items()}
    done = folder("doctor", "--json", **filled)
    assert done.code == 1 and "Traceback" not in done.err
    report = json.loads(done.out)
    assert report["healthy"] is False
    assert name in {check["name"] for check in report["checks"] if not check["ok"]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("http://slotlink.test", True),
        ("http://93.184.215.14:8000/base", True),
        ("http://[2606:2800:21f::1]", True),
        ("https://slotlink.test", False),
        ("http://localhost:8000", False),
        ("http://10.1.2.3", False),
        ("http://[::1]:8000", False),
    ],
)
async def test_the_doctor_wants_tls_in_public(url: str, bare: bool, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(diagnosis, "PROBE_S", 0.05)
    found = await examine({"SLOTLINK_DATA_DIR": str(tmp_path), "SLOTLINK_API_URL": url, "SLOTLINK_APP_URL": url})
    about_urls = [finding for finding in found if finding.name in ("SLOTLINK_API_URL", "SLOTLINK_APP_URL")]
    assert [finding.faulty and "unencrypted" in finding.text for finding in about_urls] == [bare, bare]


def test_the_doctor_finds_a_database_that_was_never_migrated(folder: Folder, cluster: Cluster) -> None:
    done = folder("doctor", "--json", SLOTLINK_DATABASE_URL=cluster.new_database())
    assert done.code == 1
    assert [check["name"] for check in json.loads(done.out)["checks"] if not check["ok"]] == ["schema"]


def test_a_new_key_is_one_that_can_be_used(folder: Folder) -> None:
    key = folder("doctor", "--new-key").out.strip()
    assert folder("applications", "list", SLOTLINK_SECRET_KEYS=key).code == 0
