"""`slotlink demo`: a whole data center in a minute, and with `--once` the visitor as well.

Everything goes through the same doors as in real life: the API over HTTP, the page over HTTP, the callback over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import html.parser
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.markup import escape

from slotlink import app as composition
from slotlink.domain.callback import signature_headers
from slotlink.domain.event import wire_time
from slotlink.logs import configure_logs
from slotlink.services.accounts import known_account
from slotlink.services.deps import Deps
from slotlink.services.events import import_calendar
from slotlink.settings import Settings
from slotlink.store import accounts, applications

HERE = Path(__file__).parent
PEOPLE = {"maya": "Maya Okafor", "jonas": "Jonas Weber"}
DAYS = 28
CALLBACK_WAIT_S = 20.0


@dataclass
class Scene:
    """The demo's application, link and callback receiver."""

    api_url: str
    receiver: Receiver
    client_id: str = ""
    client_secret: str = ""
    link_id: str = ""
    token: str = ""
    page_url: str = ""

    @property
    def key(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.client_secret}"}


def demo(environ: Mapping[str, str], host: str, port: int, *, once: bool, out: Console) -> int:
    """Returns the exit code: with `once`, not 0 when any step failed."""
    with contextlib.ExitStack() as stack:
        variables = dict(environ)
        if "SLOTLINK_DATA_DIR" not in variables:
            variables["SLOTLINK_DATA_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="slotlink-demo-"))
        settings = Settings.from_environ(variables)
        configure_logs(settings.log_format, level=30)
        stack.enter_context(composition.owning(settings))
        return composition.run_async(_demo(settings, host, port, once=once, out=out))


async def _demo(settings: Settings, host: str, port: int, *, once: bool, out: Console) -> int:
    listener = composition.bind(host, port)
    address = composition.address_of(listener)
    async with Receiver() as receiver:
        allowed = (*settings.callback_allow, receiver.url.removeprefix("http://"))
        settings = settings.at(address).model_copy(update={"callback_allow": allowed})
        await composition.prepare(settings)
        ready = asyncio.Event()
        server = composition.make_server(settings, background=True, on_ready=ready.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.is_set():
            out.print("[red]the server did not start[/]")
            return 1
        try:
            scene = Scene(address, receiver)
            async with aiohttp.ClientSession() as session:
                await _set_up(settings, scene, session)
                _describe(scene, out)
                if once:
                    return await _play_visitor(scene, session, out)
                await _watch(scene, session, serving, out)
                return 0
        finally:
            server.should_exit = True
            await serving


async def _set_up(settings: Settings, scene: Scene, session: aiohttp.ClientSession) -> None:
    deps = composition.open_deps(settings)
    now = int(time.time())
    try:
        async with deps.database.transaction() as connection:
            scene.client_id, scene.client_secret = await applications.create(connection, deps.vault, "Globex", now)
            await applications.set_shows_participants(connection, scene.client_id, shows=True)
        scene.receiver.client_secret = scene.client_secret
        targets = [await _person(deps, scene, session, name, now) for name in PEOPLE]
    finally:
        await deps.database.close()
    body = {
        "oauth": {"redirect_uri": f"{scene.api_url}/docs"},
        "event": {
            "event_id": "demo-interview",
            "summary": "Product manager interview",
            "description": "We will talk about your last project and about how our product team works. "
            "Nothing to prepare.",
            "location": {"description": "Video call"},
            "tzid": "Europe/London",
        },
        "availability": {
            "participants": [{"members": [{"sub": target["sub"]} for target in targets], "required": "all"}],
            "required_duration": {"minutes": 45},
            "start_interval": {"minutes": 15},
            "query_periods": [{"start": wire_time(now), "end": wire_time(now + DAYS * 86400)}],
        },
        "target_calendars": targets,
        "minimum_notice": {"hours": 2},
        "callback_urls": {
            "completed_url": f"{scene.receiver.url}/completed",
            "no_times_suitable_url": f"{scene.receiver.url}/none-suitable",
        },
    }
    created = await _call(session.post(f"{scene.api_url}/v1/real_time_scheduling", json=body, headers=scene.key))
    # The confirmation stays on the link's own page: the demo has no application to send the visitor back to.
    scene.page_url = created["url"]
    scene.token = scene.page_url.rpartition("/")[2]
    scene.link_id = created["real_time_scheduling"]["real_time_scheduling_id"]


async def _person(deps: Deps, scene: Scene, session: aiohttp.ClientSession, name: str, now: int) -> dict[str, str]:
    credentials = {"client_id": scene.client_id, "client_secret": scene.client_secret}
    made = await _call(
        session.post(f"{scene.api_url}/v1/application_calendars", json={**credentials, "application_calendar_id": name})
    )
    owner = await known_account(deps, made["sub"])
    imported = await import_calendar(deps, owner, None, (HERE / f"{name}.ics").read_bytes(), now)
    async with deps.database.transaction() as connection:
        await accounts.set_display_name(connection, scene.client_id, owner.sub, PEOPLE[name])
    return {"sub": owner.sub, "calendar_id": imported.calendar_id}


def _describe(scene: Scene, out: Console) -> None:
    out.print()
    out.print("[bold]Slotlink is running.[/] Maya and Jonas have calendars; a link is open for 45 minutes with both.")
    out.print()
    out.print(f"  [bold]Choose a time[/]    {scene.page_url}")
    out.print(f"  API               {scene.api_url}/docs")
    out.print(f"  client_id         {scene.client_id}")
    out.print(f"  client_secret     {scene.client_secret}")
    out.print()
    out.print("  Its status:")
    out.print(
        f"  curl -H 'Authorization: Bearer {scene.client_secret}' \\\n"
        f"       '{scene.api_url}/v1/real_time_scheduling?token={scene.token}'"
    )
    out.print()


async def _watch(scene: Scene, session: aiohttp.ClientSession, serving: asyncio.Task[None], out: Console) -> None:
    """Print each change of status, and each callback, until the server is told to stop."""
    out.print("Waiting for a visitor. Stop with Ctrl-C.")
    before = ""
    while not serving.done():
        try:
            status = (await _status(scene, session))["status"]
        except aiohttp.ClientError:
            return
        if status != before:
            out.print(f"{time.strftime('%H:%M:%S')}  status  [bold]{status}[/]")
            before = status
        while not scene.receiver.received.empty():
            _print_callback(*scene.receiver.received.get_nowait(), out=out)
        await asyncio.wait({serving}, timeout=0.5)


async def _play_visitor(scene: Scene, session: aiohttp.ClientSession, out: Console) -> int:
    """Choose the first time through the real page, then look at what came of it. 0 when all of it held."""
    before = await _status(scene, session)
    out.print(f"before   status [bold]{before['status']}[/]")
    async with session.get(scene.page_url) as response:
        form = SlotForm.of(await response.text())
    async with session.post(scene.page_url, data={**form.hidden, "slot": form.slots[0]}) as response:
        confirm = SlotForm.of(await response.text())
    answer = session.post(scene.page_url, data={**confirm.hidden, "slot": confirm.slots[0]}, allow_redirects=False)
    async with answer as response:
        redirected = response.status == 303
    out.print(f"visitor  chose {form.slots[0]} of {len(form.slots)} times on the first day, on the page itself")
    after = await _status(scene, session)
    out.print(f"after    status [bold]{after['status']}[/], {after['event'].get('start', {}).get('time', 'no time')}")
    try:
        callback, signed = await asyncio.wait_for(scene.receiver.received.get(), CALLBACK_WAIT_S)
    except TimeoutError:
        out.print(f"[red]no callback within {CALLBACK_WAIT_S:.0f} s[/]")
        return 1
    _print_callback(callback, signed, out=out)
    held = {
        "the link was open before": before["status"] == "open",
        "the page sent the visitor on": redirected,
        "the link is completed": after["status"] == "completed",
        "the event has the chosen time": after["event"].get("start", {}).get("time") == form.slots[0],
        "the callback is signed": signed,
        "the callback tells the same event": callback.get("event") == after["event"],
        "both people are booked": len(callback.get("participants", [])) == len(PEOPLE),
    }
    for what in (what for what, true in held.items() if not true):
        out.print(f"[red]not true: {what}[/]")
    return 0 if all(held.values()) else 1


def _print_callback(body: dict[str, Any], signed: bool, *, out: Console) -> None:
    out.print(
        f"callback [bold]{body.get('notification', {}).get('type')}[/], signature {'valid' if signed else 'WRONG'}"
    )
    out.print(escape(json.dumps(body, indent=2, ensure_ascii=False)))


class Receiver:
    """A receiver of callbacks as an application has one: checks the signature, keeps the body."""

    def __init__(self) -> None:
        self.client_secret = ""
        self.url = ""
        self.received: asyncio.Queue[tuple[dict[str, Any], bool]] = asyncio.Queue()
        application = web.Application()
        application.router.add_post("/{path:.*}", self._receive)
        self._runner = web.AppRunner(application)

    async def __aenter__(self) -> Receiver:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        expected = signature_headers(body, "", [self.client_secret], 0)["Cronofy-HMAC-SHA256"]
        signed = expected in request.headers.get("Cronofy-HMAC-SHA256", "").split(",")
        await self.received.put((json.loads(body), signed))
        return web.Response()


class SlotForm(html.parser.HTMLParser):
    """The form of a page that chooses a slot, read as a plain browser would."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, str] = {}
        self.slots: list[str] = []
        self._fields: dict[str, str] | None = None
        self._slots: list[str] = []

    @classmethod
    def of(cls, page: str) -> SlotForm:
        form = cls()
        form.feed(page)
        form.close()
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._fields, self._slots = ({}, []) if given.get("method") == "post" else (None, [])
        elif self._fields is not None and tag in ("input", "button"):
            name, value = given.get("name"), given.get("value") or ""
            if name == "slot":
                self._slots.append(value)
            elif name:
                self._fields[name] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self._fields is not None and self._slots:
            self.hidden, self.slots = self._fields, self._slots
            self._fields = None


async def _status(scene: Scene, session: aiohttp.ClientSession) -> dict[str, Any]:
    answer = await _call(session.get(f"{scene.api_url}/v1/real_time_scheduling/{scene.link_id}", headers=scene.key))
    return answer["real_time_scheduling"]


async def _call(request: Any) -> dict[str, Any]:
    async with request as response:
        response.raise_for_status()
        return await response.json()
