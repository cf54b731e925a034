"""The command: serve · work · migrate · demo · keys · doctor, and those of the other `cli_….py`."""

from __future__ import annotations

import os
from typing import Annotated

import structlog
import typer
from rich.table import Table

from slotlink.cli_applications import applications_cli
from slotlink.cli_calendars import calendars_cli
from slotlink.cli_records import callbacks_cli, links_cli
from slotlink.errors import ConfigurationError, SlotlinkError
from slotlink.opening import owning, run_async
from slotlink.services import keys
from slotlink.services.deps import Deps
from slotlink.settings import Settings, files_others_can_read
from slotlink.store.schema import check, migrate
from slotlink.terminal import AsJson, explained, migrated, out, read_settings, run, tell
from slotlink.vault import new_key

cli = typer.Typer(
    help="A self-hosted Real-Time Scheduling server.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)
keys_cli = typer.Typer(help="The keys of secrets at rest.", no_args_is_help=True)
cli.add_typer(applications_cli, name="applications")
cli.add_typer(calendars_cli, name="calendars")
cli.add_typer(links_cli, name="links")
cli.add_typer(callbacks_cli, name="callbacks")
cli.add_typer(keys_cli, name="keys")


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
    from slotlink import app  # here and below: a command that does not serve starts without the server's libraries

    with explained():
        settings = read_settings()
        if workers > 1 and settings.embedded:
            raise ConfigurationError(
                f"--workers {workers}: one process owns a SQLite file; use PostgreSQL "
                "(SLOTLINK_DATABASE_URL=postgresql://…)"
            )
        _warn_of_open_files(settings)
        app.serve(settings, host, port, background=not no_background, processes=workers)


@cli.command()
def work() -> None:
    """Run a background worker alone (PostgreSQL; on SQLite the serving process does this work)."""
    from slotlink import app

    with explained():
        settings = read_settings()
        _warn_of_open_files(settings)
        with owning(settings):
            run_async(app.work(settings))


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database to the current schema. Safe to run twice."""

    async def act(deps: Deps) -> tuple[str | None, str]:
        return await migrate(deps.database)

    with explained():
        before, after = run(act)
        out.print(f"schema {after}, current already" if before == after else f"schema {before or 'none'} → {after}")


@cli.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the visitor too, then stop.")] = False,
    host: Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve an example: an application, two people with calendars, and an open link."""
    from slotlink.demo import play

    with explained():
        raise typer.Exit(play.demo(os.environ, host, port, once=once, out=out))


@keys_cli.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys by their ids: since when each is used, and what it has sealed."""

    async def act(deps: Deps) -> list[keys.KeyUse]:
        await check(deps.database)  # and not the keys: this tells what is wrong with them
        return await keys.list_keys(deps)

    with explained():
        rows = run(act)
        table = Table("Key", "", "Since", "Has sealed", box=None)
        for row in rows:
            table.add_row(row.key_id, row.standing, row.since or "", keys.told(row.rows) or "nothing")
        tell(True, {"keys": [row.as_json() for row in rows]}) if as_json else out.print(table)


@keys_cli.command("rotate")
def rotate_keys(as_json: AsJson = False) -> None:
    """Seal again with the newest key whatever an older one has sealed. May run beside a server, and again."""
    with explained():
        done: keys.Rotation = run(migrated(keys.rotate))
        tell(True, done.as_json()) if as_json else out.print("\n".join(done.as_text()))
        if done.faults:
            raise SlotlinkError("\n".join(done.faults))


@cli.command()
def doctor(
    as_json: AsJson = False,
    make_key: Annotated[bool, typer.Option("--new-key", help="Print a new key for SLOTLINK_SECRET_KEYS.")] = False,
) -> None:
    """Check settings, database, schema, clock, keys, zone data and base URLs."""
    from slotlink import diagnosis

    if make_key:
        out.print(new_key())
        return
    findings = run_async(diagnosis.examine(os.environ))
    if as_json:
        tell(True, {"healthy": not any(f.faulty for f in findings), "checks": [f.as_json() for f in findings]})
    else:
        for finding in findings:
            out.print(f"[{'red' if finding.faulty else 'green'}]{finding.mark}[/] {finding.name}: {finding.text}")
    if any(finding.faulty for finding in findings):
        raise typer.Exit(1)


def _warn_of_open_files(settings: Settings) -> None:
    for path in files_others_can_read(os.environ, settings.data_dir):
        structlog.get_logger("slotlink").warning("secrets.others_can_read", file=str(path), advice="chmod 600")
