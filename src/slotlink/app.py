"""Composition: settings → database → services → web app and worker. The one file that knows everyone."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable
from typing import cast
from urllib.parse import urlsplit

import uvicorn
from itsdangerous import URLSafeSerializer
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from slotlink.domain.addresses import parse_allowed
from slotlink.errors import ConfigurationError
from slotlink.opening import make_ready, open_deps, owning, prepare, run_async
from slotlink.processes import serve_in_processes
from slotlink.server import Server
from slotlink.services.deps import Deps
from slotlink.services.live_offers import LiveOffers
from slotlink.settings import Settings
from slotlink.store import outbox
from slotlink.store.changes import CHANGES_CHANNEL, ChangeNotices, notify
from slotlink.store.database import Database, open_database
from slotlink.store.hot import HotReader
from slotlink.store.hot_postgresql import PostgresqlHotReader
from slotlink.store.hot_sqlite import SqliteHotReader
from slotlink.store.postgresql import listen
from slotlink.vault import Vault
from slotlink.web.answer_headers import AnswerHeaders
from slotlink.web.clients import in_both_spellings
from slotlink.web.connection import Connection
from slotlink.web.front import Front
from slotlink.web.hot_status import HotStatus
from slotlink.web.mail_words import mail_words
from slotlink.web.metrics import Metrics
from slotlink.web.pages import Pages
from slotlink.web.rate_limit import RateLimit, Tally
from slotlink.web.routes import STATIC, web_app
from slotlink.web.state import WebState
from slotlink.web.streams import Streams
from slotlink.web.wire import WireContext
from slotlink.worker.deliver_callback import CallbackClient
from slotlink.worker.deliver_message import MessageClient
from slotlink.worker.duties import Duties
from slotlink.worker.housekeeping import keep_house
from slotlink.worker.loop import Worker
from slotlink.worker.synchronise import Synchroniser
from slotlink.worker.waker import Waker
from slotlink.worker.watches import keep_watching

OUTBOX_CHANNEL = "slotlink_outbox"
GRACE_S = 10  # for requests under way when the server is told to stop

Clock = Callable[[], float]


@contextlib.asynccontextmanager
async def working(deps: Deps, clock: Clock = time.time) -> AsyncGenerator[Worker]:
    """A background worker that runs while the block does, and gives its leases back at the end."""
    async with CallbackClient(deps) as client:
        duties = Duties(deps, client.deliver, MessageClient(deps, mail_words, clock).deliver, clock)
        worker = Worker(deps, duties.attempt, clock, duties.give_up)
        synchroniser = Synchroniser(deps, clock)
        worker.also_wakes(synchroniser.wake)
        running = asyncio.create_task(worker.run())
        loops = [keep_house(deps), synchroniser.run(), keep_watching(deps, clock)]
        if deps.database.dialect == "postgresql":
            loops.append(listen(deps.database.url, OUTBOX_CHANNEL, worker.wake))
        beside = [asyncio.create_task(each) for each in loops]
        try:
            yield worker
        finally:
            worker.stop()
            for task in beside:
                task.cancel()
            await asyncio.gather(running, *beside, return_exceptions=True)


@contextlib.asynccontextmanager
async def telling(live: LiveOffers, database: Database, reader: HotReader) -> AsyncGenerator[None]:
    """Followers hear of changes while the block runs: of this process's, and on PostgreSQL of every other's."""
    loops = [live.run()]
    database.on_change = live.wake
    if isinstance(reader, PostgresqlHotReader):
        tell_others = ChangeNotices(functools.partial(reader.notify, CHANGES_CHANNEL))

        def tell_all() -> None:
            live.wake()
            tell_others()

        database.on_change = tell_all
        loops.append(listen(database.url, CHANGES_CHANNEL, live.wake))
    running = [asyncio.create_task(each) for each in loops]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def make_app(
    settings: Settings, *, background: bool = True, clock: Clock = time.time, front: Front | None = None
) -> ASGIApp:
    """The ASGI application of one serving process. `settings` have their base URLs; the schema is current."""
    settings = settings.at("http://127.0.0.1:8000")
    database = open_database(settings.url_of_database)
    path = database.sqlite_path
    reader = SqliteHotReader(path) if path is not None else PostgresqlHotReader(settings.url_of_database)
    waker = Waker(OUTBOX_CHANNEL, reader.notify if isinstance(reader, PostgresqlHotReader) else None)
    deps = Deps(database, Vault(settings.secret_keys), settings, wake_worker=waker, hot=reader)
    live = LiveOffers(deps, clock, reader.has_changed if isinstance(reader, SqliteHotReader) else None)
    if front is not None:
        front.on_stop = live.close

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(database.close)
            stack.push_async_callback(reader.close)
            await stack.enter_async_context(telling(live, database, reader))
            if background:
                if database.dialect == "sqlite":
                    # Nobody else works on this file: what a process held when it died need not wait for its lease.
                    async with database.transaction() as connection:
                        await outbox.release_all(connection)
                waker.worker = await stack.enter_async_context(working(deps, clock))
            yield

    base_path = urlsplit(settings.app_url).path
    count = reader.count_request if isinstance(reader, PostgresqlHotReader) else Tally(clock).count
    state = WebState(
        deps=deps,
        context=WireContext(settings.limits, parse_allowed(settings.callback_allow)),
        pages=Pages(asset_version=_asset_version(), base_path=base_path),
        form_signer=_signer(deps.vault.form_keys, "form token"),
        page_signer=_signer(deps.vault.form_keys, "next page"),
        clock=clock,
        rate_limit=RateLimit("SLOTLINK_RATE_LIMIT", settings.rate_limit, count),
        unknown_limit=RateLimit("SLOTLINK_LIMIT_UNKNOWN", settings.limit_unknown, Tally(clock).count),
        post_limit=RateLimit("SLOTLINK_LIMIT_POSTS", settings.limit_posts, Tally(clock).count),
        base_path=base_path,
        live=live,
        streams=Streams(settings),
    )
    metrics = Metrics(settings.data_center) if settings.metrics == "on" else None
    app: ASGIApp = AnswerHeaders(web_app(state, lifespan, metrics))
    app = HotStatus(app, deps, reader, clock, state.rate_limit if settings.rate_limit else None)
    if metrics is not None:
        app = metrics.around(app)
    proxies = in_both_spellings(settings.trusted_proxies)
    # uvicorn and Starlette draw the same protocol with types of their own.
    return ProxyHeadersMiddleware(app, proxies) if proxies else app  # type: ignore[arg-type, return-value] - the same types


def _signer(keys: list[bytes], salt: str) -> URLSafeSerializer:
    """The library's defaults are of SHA-1."""
    return URLSafeSerializer(keys, salt, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256})


def _asset_version() -> str:
    content = b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()))
    return hashlib.sha256(content).hexdigest()[:12]


def bind(host: str, port: int) -> socket.socket:
    """Raises ConfigurationError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another --port"
        ) from error
    listener.set_inheritable(True)
    return listener


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(
    settings: Settings, *, background: bool, on_ready: Callable[[], None], clock: Clock = time.time
) -> Server:
    front = Front(settings)
    front.take_files()
    config = uvicorn.Config(
        make_app(settings, background=background, clock=clock, front=front),
        loop="none",
        http=cast("type[asyncio.Protocol]", functools.partial(Connection, front)),
        ws="none",
        callback_notify=front.sweep,
        timeout_notify=0,  # seconds between sweeps beyond the one that uvicorn has by itself
        log_config=None,
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config, on_ready, front.stop)


def serve(settings: Settings, host: str, port: int, *, background: bool = True, processes: int = 1) -> None:
    """Serve until a signal. Raises ConfigurationError before anything listens."""
    listener = bind(host, port)
    address = address_of(listener)
    settings = settings.at(address)

    def say_ready() -> None:
        print(f"listening on {address}", flush=True)

    def run(on_ready: Callable[[], None]) -> None:
        server = make_server(settings, background=background, on_ready=on_ready)
        run_async(server.serve(sockets=[listener]))

    with owning(settings):
        run_async(prepare(settings))
        if processes == 1:
            run(say_ready)
        elif code := serve_in_processes(processes, run, say_ready):
            sys.exit(code)


async def work(settings: Settings) -> None:
    """A background worker alone, until a signal."""
    deps = open_deps(settings)
    if deps.database.dialect == "postgresql":
        deps.database.on_change = ChangeNotices(functools.partial(notify, deps.database, CHANGES_CHANNEL))
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    try:
        await make_ready(deps, serving=True)
        async with working(deps):
            print("working", flush=True, file=sys.stdout)
            await stopped.wait()
    finally:
        await deps.database.close()
