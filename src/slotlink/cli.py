"""The command: serve · work · migrate · demo · applications · calendars · doctor."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from slotlink import app as composition
from slotlink import diagnosis
from slotlink.demo import play
from slotlink.errors import ConfigurationError, InvalidRequest, NotFound, SlotlinkError, StoreUnavailable
from slotlink.logs import configure_logs
from slotlink.services.accounts import known_account
from slotlink.services.deps import Deps
from slotlink.services.events import import_calendar
from slotlink.settings import Settings
from slotlink.store import applications
from slotlink.store.schema import is_current, migrate
from slotlink.vault import new_key

cli = typer.Typer(
    help="A self-hosted Real-Time Scheduling server.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)
applications_cli = typer.Typer(help="Applications and their client secrets.", no_args_is_help=True)
calendars_cli = typer.Typer(help="Embedded calendars.", no_args_is_help=True)
cli.add_typer(applications_cli, name="applications")
cli.add_typer(calendars_cli, name="calendars")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    cli()


@cli.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes; more than one needs PostgreSQL.")] = 1,
    no_background: Annotated[bool, typer.Option("--no-background", help="Leave callbacks to slotlink work.")] = False,
) -> None:
    """Serve the API and the page, with the background worker inside."""
    with _explained():
        settings = _settings()
        if workers > 1 and settings.embedded:
            raise ConfigurationError(
                f"--workers {workers}: one process owns a SQLite file; use PostgreSQL "
                "(SLOTLINK_DATABASE_URL=postgresql://…)"
            )
        composition.serve(settings, host, port, background=not no_background, processes=workers)


@cli.command()
def work() -> None:
    """Run a background worker alone (PostgreSQL; on SQLite the serving process does this work)."""
    with _explained():
        settings = _settings()
        with composition.owning(settings):
            composition.run_async(composition.work(settings))


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to the current schema. Safe to run twice."""

    async def run(deps: Deps) -> tuple[str | None, str]:
        return await migrate(deps.database)

    with _explained():
        before, after = _run(run)
        out.print(f"schema {after}, current already" if before == after else f"schema {before or 'none'} → {after}")


@cli.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the visitor too, then stop.")] = False,
    host: Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve an example: an application, two people with calendars, and an open link."""
    with _explained():
        raise typer.Exit(play.demo(os.environ, host, port, once=once, out=out))


@applications_cli.command("create")
def create_application(name: str, as_json: AsJson = False) -> None:
    """Create an application. Its secret is shown once."""

    async def run(deps: Deps) -> tuple[str, str]:
        async with deps.database.transaction() as connection:
            return await applications.create(connection, deps.vault, _name(name), int(time.time()))

    with _explained():
        client_id, client_secret = _run(_migrated(run))
        _tell(as_json, {"client_id": client_id, "client_secret": client_secret})


@applications_cli.command("list")
def list_applications(as_json: AsJson = False) -> None:
    """List the applications."""

    async def run(deps: Deps) -> list[applications.ApplicationRow]:
        async with deps.database.reading() as connection:
            return await applications.all_of_them(connection)

    with _explained():
        rows = [
            {"client_id": row.application_id, "name": row.name, "active_secrets": row.active_secrets}
            for row in _run(_migrated(run))
        ]
        if as_json:
            return _tell(True, {"applications": rows})
        table = Table("Client id", "Name", "Active secrets", box=None)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        out.print(table if rows else "No applications yet. Make one: slotlink applications create NAME")
    return None


@applications_cli.command("rotate-secret")
def rotate_secret(client_id: str, as_json: AsJson = False) -> None:
    """Add a second client secret; both work until the older one is revoked."""

    async def run(deps: Deps) -> str:
        async with deps.database.transaction() as connection:
            return await applications.rotate_secret(connection, deps.vault, client_id, int(time.time()))

    with _explained():
        _tell(as_json, {"client_id": client_id, "client_secret": _run(_migrated(run))})


@applications_cli.command("revoke-secret")
def revoke_secret(client_id: str, as_json: AsJson = False) -> None:
    """Revoke the older of two client secrets."""

    async def run(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            await applications.revoke_oldest_secret(connection, client_id, int(time.time()))

    with _explained():
        _run(_migrated(run))
        _tell(as_json, {"client_id": client_id, "revoked": "the older secret"})


@calendars_cli.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="An iCalendar file.")],
    account: Annotated[str, typer.Option(help="The account's sub, apc_….")],
    calendar_id: Annotated[
        str | None, typer.Option("--calendar", help="Another calendar than its primary one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put the events of a file into an embedded calendar; again, to update them by UID."""

    async def run(deps: Deps) -> dict[str, Any]:
        owner = await known_account(deps, account)
        done = await import_calendar(deps, owner, calendar_id, file.read_bytes(), int(time.time()))
        return {"account": account, "calendar_id": done.calendar_id, "events": done.events, "repeating": done.repeating}

    with _explained():
        _tell(as_json, _run(_migrated(run)))


@cli.command()
def doctor(
    as_json: AsJson = False,
    make_key: Annotated[bool, typer.Option("--new-key", help="Print a new key for SLOTLINK_SECRET_KEYS.")] = False,
) -> None:
    """Check settings, database, schema, clock, keys, zone data and base URLs."""
    if make_key:
        out.print(new_key())
        return
    findings = composition.run_async(diagnosis.examine(os.environ))
    if as_json:
        _tell(True, {"healthy": not any(f.faulty for f in findings), "checks": [f.as_json() for f in findings]})
    else:
        for finding in findings:
            out.print(f"[{'red' if finding.faulty else 'green'}]{finding.mark}[/] {finding.name}: {finding.text}")
    if any(finding.faulty for finding in findings):
        raise typer.Exit(1)


def _settings() -> Settings:
    settings = Settings.from_environ(os.environ)
    configure_logs(settings.log_format)
    return settings


def _name(name: str) -> str:
    if not name.strip() or len(name) > 255:
        raise InvalidRequest.of("name", "errors.required", "give the application a name of 1 to 255 characters")
    return name.strip()


def _run(command: Any) -> Any:
    """Run a command over the database, beside the serving process if there is one."""

    async def run() -> Any:
        deps = composition.open_deps(_settings())
        try:
            return await command(deps)
        finally:
            await deps.database.close()

    return composition.run_async(run())


def _migrated(command: Any) -> Any:
    """On the embedded default a first command finds its database made."""

    async def run(deps: Deps) -> Any:
        if deps.database.dialect == "sqlite":
            await migrate(deps.database)
        elif not await is_current(deps.database):
            raise ConfigurationError("the database schema is not current; run: slotlink migrate")
        return await command(deps)

    return run


def _tell(as_json: bool, content: dict[str, Any]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(content) + "\n")
        return
    width = max(len(name) for name in content)
    for name, value in content.items():
        out.print(f"[bold]{name:<{width}}[/]  {value}", markup=True)


@contextlib.contextmanager
def _explained() -> Generator[None]:
    """Our errors end the command with one sentence each, not with a traceback."""
    try:
        yield
    except ConfigurationError as error:
        for line in str(error).splitlines():
            err.print("error: " + line, style="red", markup=False)
        raise typer.Exit(2) from error
    except StoreUnavailable as error:
        err.print(f"error: the database does not answer: {error}; slotlink doctor says more", style="red", markup=False)
        raise typer.Exit(1) from error
    except (InvalidRequest, NotFound, SlotlinkError) as error:
        err.print(f"error: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
