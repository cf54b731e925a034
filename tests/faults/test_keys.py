"""The keys of secrets at rest in operation: rotated beside a server, broken off, and refused where they are wrong."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from slotlink.app import open_deps
from slotlink.services.deps import Deps
from slotlink.settings import Settings
from slotlink.store.database import own_file, ping
from slotlink.store.tables import keys_in_use
from slotlink.store.tables import outbox as outbox_table
from slotlink.vault import Vault, new_key, parse_key, row_name
from tests.center import Center, CreatedLink, finished
from tests.faults.commands import Folder
from tests.forked import Done
from tests.postgresql import Cluster

OLD, NEW = new_key(), new_key()
OLD_ID, NEW_ID = (Vault([parse_key(key)]).key_ids[0] for key in (OLD, NEW))
KEYS = "SLOTLINK_SECRET_KEYS"
LINKS = 10

# A rotation of small batches that kills itself, so to speak: in its third transaction, before that is committed.
_DYING = """
import os, signal
from slotlink.services import keys
from slotlink.store import keys as stored

replace, calls = stored.replace_values, []

async def dying(*arguments, **named):
    replaced = await replace(*arguments, **named)
    calls.append(replaced)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return replaced

keys.RESEALED_AT_ONCE, stored.replace_values = 5, dying
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """An empty place of each engine, with the old key alone."""
    folder = Folder(tmp_path, SLOTLINK_SECRET_KEYS=OLD)
    folder.environ["SLOTLINK_DATABASE_URL"] = f"sqlite:///{tmp_path / 'slotlink.db'}"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        folder.environ["SLOTLINK_DATABASE_URL"] = cluster.new_database()
    assert folder("migrate").code == 0
    return folder


def test_visitors_book_while_everything_is_sealed_again(place: Folder) -> None:
    """Back and forth between two keys, as often as it goes while people book, disable and create; nothing is lost."""
    with _center(place, OLD) as center:
        links = [_link(center, number) for number in range(LINKS)]
        pages = [link.page() for link in links]  # and forms, signed with the old key alone
        key = center.key
    with _center(place, NEW, OLD) as center:
        for link in links:
            link.center = center
        ended = threading.Event()

        def book(number: int) -> int:
            _link(center, LINKS + number)
            return links[number].choose(pages[number].slots[0], pages[number]).code

        def rotate() -> list[dict[str, int]]:
            resealed: list[dict[str, int]] = []
            while len(resealed) < 2 or not ended.is_set():
                forth = len(resealed) % 2 == 0
                done = place("keys", "rotate", "--json", **{KEYS: f"{NEW},{OLD}" if forth else f"{OLD},{NEW}"})
                # Back, it says that the server goes on with the other key.
                assert done.code == 0 or (not forth and "was started with an older list" in done.err), done.err
                resealed.append(json.loads(done.out)["resealed"])
            return resealed

        with ThreadPoolExecutor(4) as visitors, ThreadPoolExecutor(1) as operator:
            rotating = operator.submit(rotate)
            codes = list(visitors.map(book, range(LINKS)))
            ended.set()
            resealed = rotating.result()
        assert codes == [303] * LINKS and min(rows["links"] for rows in resealed) >= LINKS
    last = place("keys", "rotate", "--json", **{KEYS: f"{NEW},{OLD}"}).json
    assert last["removable"] == [OLD_ID] and last["refused"] == []
    with _center(place, NEW) as center:
        for link in links:
            answer = center.http.get(f"/v1/real_time_scheduling/{link.link_id}", headers=key)
            assert answer.json()["real_time_scheduling"]["status"] == "completed"
            assert answer.json()["real_time_scheduling"]["url"].endswith(link.path)
        assert center.run(_promised) == LINKS
    assert place("doctor", **{KEYS: NEW}).code == 0


def test_a_rotation_that_was_killed_goes_on_where_it_ended(place: Folder) -> None:
    with _center(place, OLD) as center:
        for number in range(LINKS):
            _link(center, number)
    place.environ[KEYS] = f"{NEW},{OLD}"
    dead = place("keys", "rotate", before=_DYING)
    assert dead.code == -signal.SIGKILL and dead.out == ""
    counts = {key["key_id"]: key["rows"] for key in place("keys", "list", "--json").json["keys"]}
    assert counts[NEW_ID] == {"client_secrets": 1, "links": 5}, "whole transactions, and not the one it died in"
    assert counts[OLD_ID]["links"] == LINKS - 5
    with _center(place, NEW, OLD) as center:
        assert _link(center, LINKS).page().status == "open"
    done = place("keys", "rotate", "--json").json
    assert done["resealed"]["links"] == LINKS - 5 and done["removable"] == [OLD_ID]
    assert place("doctor", **{KEYS: NEW}).code == 0


def test_keys_that_do_not_open_the_data_are_refused_before_anything_is_served(place: Folder) -> None:
    with _center(place, OLD) as center:
        _link(center, 0), _link(center, 1)
    for command in (("serve", "--port", "0"), ("work",), ("applications", "create", "x"), ("keys", "rotate")):
        refused = place(*command, **{KEYS: NEW})
        assert refused.code == 2 and refused.out == ""
        _said(refused, f"does not hold key {OLD_ID}", "1 row of client_secrets", "2 rows of links", "back at the end")
    examined = place("doctor", **{KEYS: NEW})
    assert examined.code == 1 and f"does not hold key {OLD_ID}" in examined.out
    listed = place("keys", "list", **{KEYS: NEW})
    assert listed.code == 0 and "missing" in listed.out and OLD_ID in listed.out
    assert place("applications", "list", **{KEYS: f"{NEW},{OLD}"}).code == 0


def test_who_has_just_left_the_database_is_running_no_longer(tmp_path: Path, cluster: Cluster) -> None:
    """Its connection outlives it there; one that stays is somebody's who runs."""
    place = Folder(tmp_path, SLOTLINK_DATABASE_URL=cluster.migrated_database(), SLOTLINK_SECRET_KEYS=OLD)
    assert place("applications", "create", "Globex").code == 0
    for is_staying in (False, True):
        before = f"""
import slotlink.store.keys as keys
looks = iter([True, True, {is_staying}, {is_staying}])
async def others_are_connected(connection): return next(looks)
keys.others_are_connected = others_are_connected
"""
        done = place("applications", "list", before=before, **{KEYS: f"{NEW},{OLD}"})
        assert (done.code, "is running" in done.err) == ((2, True) if is_staying else (0, False)), done.err
        if not is_staying:
            forget = Settings.from_environ(place.environ | {KEYS: f"{NEW},{OLD}"})
            finished(_forget_key(forget, NEW_ID))


async def _forget_key(settings: Settings, key_id: str) -> None:
    deps = open_deps(settings)
    async with deps.database.transaction() as connection:
        await connection.execute(delete(keys_in_use).where(keys_in_use.c.key_id == key_id))
    await deps.database.close()


def test_a_key_that_a_running_server_cannot_know_is_not_brought_into_use(place: Folder) -> None:
    assert place("applications", "create", "Globex").code == 0
    deps = open_deps(Settings.from_environ(place.environ))
    path = deps.settings.sqlite_path
    serving = own_file(path) if path is not None else None

    async def refuse(*command: str) -> None:
        refused = await asyncio.to_thread(place, *command, **{KEYS: f"{NEW},{OLD}"})
        assert refused.code == 2 and refused.out == ""
        _said(refused, NEW_ID, "Restart it")

    async def beside() -> None:
        await ping(deps.database)
        await refuse("keys", "rotate")
        await refuse("applications", "create", "x")
        assert (await asyncio.to_thread(place, "applications", "create", "Initech")).code == 0
        async with deps.database.transaction() as connection:
            await connection.execute(delete(keys_in_use))  # as before keys were written down
        await refuse("keys", "rotate")
        assert (await asyncio.to_thread(place, "applications", "list")).code == 0
        await deps.database.close()

    finished(beside())
    del serving
    done = place("keys", "rotate", **{KEYS: f"{NEW},{OLD}"})
    assert done.code == 0 and f"nothing is sealed with {OLD_ID} any more" in done.out


def test_a_fresh_place_lists_its_key(folder: Folder) -> None:
    folder.environ.pop(KEYS)
    assert folder("migrate").code == 0
    [key] = folder("keys", "list", "--json").json["keys"]
    assert key == {"key_id": key["key_id"], "in_ring": True, "newest": True, "first_used_at": None, "rows": {}}
    assert folder("applications", "create", "Globex").code == 0
    [key] = folder("keys", "list", "--json").json["keys"]
    assert key["first_used_at"] and key["rows"] == {"client_secrets": 1}
    rotated = folder("keys", "rotate")
    assert rotated.code == 0 and "nothing, as all of it was already" in rotated.out


def _center(place: Folder, *keys: str) -> Center:
    """A serving process with these keys, as far as a test needs one."""
    url = place.environ["SLOTLINK_DATABASE_URL"]
    return Center(place.path, SLOTLINK_DATABASE_URL=url, SLOTLINK_SECRET_KEYS=",".join(keys))


def _link(center: Center, number: int) -> CreatedLink:
    event = {"event_id": f"interview-{number}", "summary": "Interview", "tzid": "Etc/UTC"}
    urls = {"completed_url": "https://application.test/completed"}
    return center.create_link(center.person(f"maya-{number}"), event=event, callback_urls=urls)


async def _promised(deps: Deps) -> int:
    """How many callbacks wait, each of which opens."""
    async with deps.database.reading() as connection:
        rows = (await connection.execute(select(outbox_table))).all()
    for row in rows:
        assert "completed" in deps.vault.open(row.sealed_body, row_name("outbox", row.application_id, row.item_id))
    return len(rows)


def _said(done: Done, *texts: str) -> None:
    for text in texts:
        assert text in done.err
    assert "Traceback" not in done.err and OLD not in done.err and NEW not in done.err
