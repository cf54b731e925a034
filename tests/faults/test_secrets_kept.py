"""No secret leaves but by the answer that tells it: not in logs, in output or in the database, however written."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator, Mapping
from urllib.parse import quote

import pytest
from sqlalchemy import select, update

from slotlink.app import open_deps
from slotlink.settings import Settings
from slotlink.store.tables import links as links_table
from slotlink.store.tables import metadata
from slotlink.vault import new_key
from tests.center import CreatedLink, finished
from tests.faults.commands import Folder
from tests.faults.live import LiveCenter, form_post, request, send
from tests.postgresql import Cluster
from tests.serving import LiveServer, Receiver, serving

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def spellings(secret: bytes) -> Generator[bytes]:
    """How a secret may be written so that whoever finds it can read it, wherever in a text it begins."""
    yield secret
    yield repr(secret)[2:-1].encode()
    yield quote(secret, safe="").encode()
    for encoding in ("utf-16-le", "utf-16-be"):
        yield secret.decode("latin-1").encode(encoding)
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for ahead in range(3):  # bytes that share the first characters
        for write in (base64.b64encode, base64.urlsafe_b64encode):
            yield write(b"\0" * ahead + secret)[-(-ahead * 4 // 3) : -4]


def found_in(places: Mapping[str, bytes], secrets: Mapping[str, bytes]) -> list[tuple[str, str]]:
    return [
        (secret, place)
        for secret, value in secrets.items()
        for place, content in places.items()
        if any(spelling in content for spelling in spellings(value))
    ]


def test_a_secret_is_found_however_it_is_written() -> None:
    secret = b"CRN_x-_y+/z0123456789"
    for write in (bytes, bytes.hex, base64.b64encode, base64.b32encode, lambda b: b.decode().encode("utf-16"), repr):
        for ahead in (b"", b"1", b"22", b"333"):
            written = write(ahead + secret + b"after")
            content = written.encode() if isinstance(written, str) else written
            expected = write is not base64.b32encode  # nobody writes that by accident
            assert bool(found_in({"log": b"{" + content + b"}"}, {"it": secret})) is expected, write


@pytest.fixture(params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest,
    served: tuple[Folder, LiveServer],
) -> Generator[tuple[Folder, LiveServer]]:
    if request.param == "sqlite":
        yield served
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    other = Folder(request.getfixturevalue("tmp_path"), SLOTLINK_DATABASE_URL=cluster.new_database())
    assert other("migrate").code == 0
    with serving(other.path, SLOTLINK_DATABASE_URL=other.environ["SLOTLINK_DATABASE_URL"]) as server:
        yield other, server


def test_no_secret_is_written_anywhere(place: tuple[Folder, LiveServer], receiver: Receiver) -> None:
    folder, server = place
    told = [folder("applications", "create", "Globex", "--json")]
    with LiveCenter(server, told[0].json["client_id"], told[0].json["client_secret"]) as center:
        told = [folder("applications", "list"), folder("applications", "list", "--json")]
        maya = center.person("maya")
        link, broken = center.create_link(maya), center.create_link(maya, event=_event("broken"))
        grant = {
            "client_id": center.client_id,
            "client_secret": center.client_secret,
            "grant_type": "refresh_token",
            "refresh_token": maya.refresh_token,
        }
        refreshed = center.http.post("/oauth/token", json=grant).json()["access_token"]
        secrets = {
            "client secret": center.client_secret.encode(),
            "access token": maya.access_token.encode(),
            "refreshed access token": refreshed.encode(),
            "refresh token": maya.refresh_token.encode(),
            "link token": link.token.encode(),
            "other link token": broken.token.encode(),
            "key": folder.environ["SLOTLINK_SECRET_KEYS"].encode(),
            "key's bytes": base64.urlsafe_b64decode(folder.environ["SLOTLINK_SECRET_KEYS"]),
        }
        page = link.page()
        assert send(link.url, form_post(link.url, {**page.hidden, "slot": page.slots[0]})).code == 303
        _misplace(center, [secret.decode() for name, secret in secrets.items() if "bytes" not in name])
        finished(_swap_tokens(folder, link, broken))
        status = f"{server.url}/v1/real_time_scheduling/{broken.link_id}"
        for url, headers in ((broken.url, {}), (link.url, {}), (status, center.key)):
            assert send(url, request("GET", url, headers)).code >= 500
        finished(_swap_tokens(folder, link, broken))
    for command in (("doctor",), ("keys", "list", "--json"), ("keys", "rotate"), ("applications", "list")):
        told.append(folder(*command))
    told.append(folder("keys", "rotate", SLOTLINK_SECRET_KEYS=new_key()))
    assert [done.code for done in told] == [0] * 6 + [2]
    places = {f"output {number}": (done.out + done.err).encode() for number, done in enumerate(told)}
    places |= {file.name: file.read_bytes() for file in folder.path.iterdir()}
    places |= finished(_dumped(folder))
    assert {"server.log", "links", "tokens", "client_secrets"} <= places.keys()
    assert b"belongs to another row" in places["server.log"], "what broke was logged"
    assert found_in(places, secrets) == []


def _event(event_id: str) -> dict[str, str]:
    return {"event_id": event_id, "summary": "Interview", "tzid": "Etc/UTC"}


def _misplace(center: LiveCenter, secrets: list[str]) -> None:
    """Every secret in every place where it does not belong, so that whatever refuses it may say why."""
    for secret in secrets:
        for method, path, headers, body in (
            ("GET", f"/v1/real_time_scheduling/{secret}", center.key, b""),
            ("GET", f"/v1/real_time_scheduling?token={secret}&x={secret}", {"Authorization": f"Bearer {secret}x"}, b""),
            ("GET", f"/{secret}", {"Cookie": secret, "Referer": secret, "User-Agent": secret}, b""),
            ("GET", f"/rts/{secret}/{secret}", {}, b""),
            ("POST", f"/rts/{secret}", FORM, f"form_token={secret}&slot={secret}".encode()),
            ("POST", "/v1/availability", center.key, b'{"participants": "' + secret.encode()),
            ("POST", "/v1/real_time_scheduling", center.key, json.dumps({"event": secret, secret: secret}).encode()),
            ("POST", "/oauth/token", FORM, f"client_secret={secret}&refresh_token={secret}&client_id=x".encode()),
            (
                "POST",
                "/oauth/token/revoke",
                FORM,
                f"client_id={secret}&client_secret={secret}x&token={secret}".encode(),
            ),
            (f"G{secret[:8]}", "/healthz", {"Authorization": f"Basic {secret}"}, b""),
        ):
            assert send(center.server.url, request(method, center.server.url + path, headers, body)).code < 500


async def _swap_tokens(folder: Folder, *links: CreatedLink) -> None:
    """What two links have sealed, each in the other's row: neither can be answered then."""
    deps = open_deps(Settings.from_environ(folder.environ))
    column = links_table.c.sealed_token
    async with deps.database.transaction() as connection:
        sealed = [
            (await connection.execute(select(column).where(links_table.c.link_id == link.link_id))).scalar_one()
            for link in links
        ]
        for link, value in zip(links, reversed(sealed), strict=True):
            await connection.execute(
                update(links_table).where(links_table.c.link_id == link.link_id).values({column: value})
            )
    await deps.database.close()


async def _dumped(folder: Folder) -> dict[str, bytes]:
    """Every value of every table, by the table's name."""
    deps = open_deps(Settings.from_environ(folder.environ))
    dump: dict[str, bytes] = {}
    async with deps.database.reading() as connection:
        for table in metadata.sorted_tables:
            values = [value for row in await connection.execute(select(table)) for value in row]
            dump[table.name] = b"\n".join(
                value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass") for value in values
            )
    await deps.database.close()
    return dump
