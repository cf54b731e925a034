"""What `slotlink doctor` looks at, one finding each."""

from __future__ import annotations

import importlib.metadata
import sqlite3
import time
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from sqlalchemy import select, text

from slotlink.domain.addresses import parse_allowed
from slotlink.errors import ConfigurationError, SlotlinkError
from slotlink.opening import open_deps
from slotlink.services.deps import Deps
from slotlink.services.keys import find_faults
from slotlink.settings import Settings, files_others_can_read
from slotlink.store.applications import active_secrets
from slotlink.store.database import Database
from slotlink.store.schema import check, is_behind, is_current
from slotlink.store.tables import applications
from slotlink.worker.smtp import NotTaken, look_in

CLOCK_TOLERANCE_S = 5
PROBE_S = 5
SAFE_SQLITE = (3, 51, 3)  # from here on two connections that checkpoint at once cannot corrupt the file


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    text: str
    faulty: bool = False

    @property
    def mark(self) -> str:
        return "✗" if self.faulty else "✓"

    def as_json(self) -> dict[str, Any]:
        return {"name": self.name, "ok": not self.faulty, "text": self.text}


async def examine(environ: Mapping[str, str]) -> list[Finding]:
    try:
        settings = Settings.from_environ(environ)
        parse_allowed(settings.callback_allow)
        deps = open_deps(settings)
    except ConfigurationError as error:
        return [Finding("settings", line, faulty=True) for line in str(error).splitlines()]
    try:
        return [
            Finding(
                "settings", f"data center {settings.data_center}, {'SQLite' if settings.embedded else 'PostgreSQL'}"
            ),
            *await _database(deps),
            *await _keys(deps),
            *_key_files(environ, settings),
            _zone_data(),
            *await _base_urls(settings),
            *await _mail(settings),
        ]
    finally:
        await deps.database.close()


async def _database(deps: Deps) -> list[Finding]:
    try:
        behind = await is_behind(deps.database)
        async with deps.database.reading() as connection:
            if deps.database.dialect == "sqlite":
                version = f"SQLite {sqlite3.sqlite_version}"
                if sqlite3.sqlite_version_info < SAFE_SQLITE:
                    version += "; only the serving process checkpoints, which this version needs"
                clock = None
            else:
                version = "PostgreSQL " + (await connection.execute(text("SHOW server_version"))).scalar_one()
                clock = (await connection.execute(text("SELECT extract(epoch FROM clock_timestamp())"))).scalar_one()
        findings = [Finding("database", version), await _schema(deps.database, behind)]
    except SlotlinkError as error:
        return [Finding("database", f"cannot be used: {str(error) or 'no answer in time'}", faulty=True)]
    return [*findings, _clock(None if clock is None else float(clock))]


async def _schema(database: Database, behind: bool) -> Finding:
    if behind and database.dialect == "sqlite":
        return Finding("schema", "not current yet; slotlink serve migrates it when it starts")
    try:
        await check(database)
    except ConfigurationError as error:
        return Finding("schema", str(error), faulty=True)
    return Finding("schema", "current")


def _clock(database_time: float | None) -> Finding:
    if time.time() < 1_700_000_000:
        return Finding("clock", "this machine's clock is years behind; set it", faulty=True)
    if database_time is None:
        return Finding("clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))
    apart = abs(time.time() - database_time)
    return Finding(
        "clock", f"{apart:.1f} s apart from the database's; keep both synchronised", faulty=apart > CLOCK_TOLERANCE_S
    )


async def _keys(deps: Deps) -> list[Finding]:
    """Every key that sealed something is at hand, and every stored client secret opens."""
    count = 0
    try:
        if not await is_current(deps.database):
            return [Finding("keys", f"{len(deps.settings.secret_keys)} in the ring; nothing was opened")]
        faults = await find_faults(deps)
        if faults:
            return [Finding("keys", fault, faulty=True) for fault in faults]
        async with deps.database.reading() as connection:
            for (application_id,) in (await connection.execute(select(applications.c.application_id))).all():
                count += len(await active_secrets(connection, deps.vault, application_id))
    except SlotlinkError as error:
        return [Finding("keys", str(error), faulty=True)]
    return [Finding("keys", f"{len(deps.settings.secret_keys)} in the ring; all {count} stored client secrets open")]


def _key_files(environ: Mapping[str, str], settings: Settings) -> list[Finding]:
    return [
        Finding("secret files", f"others on this machine can read {path}; chmod 600 {path}")
        for path in files_others_can_read(environ, settings.data_dir)
    ]


def _zone_data() -> Finding:
    try:
        zoneinfo.ZoneInfo("Europe/London")
        return Finding("zone data", f"tzdata {importlib.metadata.version('tzdata')}")
    except (zoneinfo.ZoneInfoNotFoundError, importlib.metadata.PackageNotFoundError) as error:
        return Finding("zone data", f"missing: {error}; install the Python package tzdata", faulty=True)


async def _base_urls(settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    timeout = aiohttp.ClientTimeout(total=PROBE_S)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        for name, url in (("SLOTLINK_API_URL", settings.api_url), ("SLOTLINK_APP_URL", settings.app_url)):
            if not url:
                findings.append(Finding(name, "not set: the address of slotlink serve; set it before going public"))
                continue
            if _is_bare_in_public(url):
                what = "API keys" if name == "SLOTLINK_API_URL" else "links and what visitors write"
                text = f"{url}: {what} would travel unencrypted; put a TLS proxy in front and write https://"
                findings.append(Finding(name, text, faulty=True))
                continue
            try:
                async with session.get(f"{url}/healthz") as response:
                    known = response.status == 200 and settings.data_center in await response.text()
                    findings.append(
                        Finding(
                            name, f"{url} answers" if known else f"{url} answers, but not as ours", faulty=not known
                        )
                    )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                findings.append(Finding(name, f"{url} cannot be reached: {error or 'no answer in time'}", faulty=True))
    return findings


async def _mail(settings: Settings) -> list[Finding]:
    """The mail server lets us in. Nothing is sent."""
    if settings.smtp_url is None or settings.mail_from is None:
        return []
    try:
        await look_in(settings.smtp_url, settings.mail_from.addr_spec, deadline_s=PROBE_S)
    except NotTaken as error:
        return [Finding("mail", str(error), faulty=True)]
    used = "used for invitations" if settings.invitations == "mail" else "used for guests who were invited by mail"
    return [Finding("mail", f"{settings.smtp_url} lets us in; {used}")]


def _is_bare_in_public(url: str) -> bool:
    """http to anything but this machine and addresses of a private network."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return ip_address(host).is_global
    except ValueError:
        return True
