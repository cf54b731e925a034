"""What every command does alike: read the settings, open the database, tell a person or a machine, explain an error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Generator
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from slotlink.errors import ConfigurationError, SlotlinkError, StoreUnavailable
from slotlink.logs import configure_logs
from slotlink.opening import make_ready, open_deps, run_async
from slotlink.services.deps import Deps
from slotlink.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")]
out = Console(highlight=False, soft_wrap=True)
_WIDE = Console(highlight=False, width=400)  # an id that is cut or broken can be copied by nobody
err = Console(stderr=True, highlight=False, soft_wrap=True)


def read_settings() -> Settings:
    settings = Settings.from_environ(os.environ)
    configure_logs(settings.log_format)
    return settings


def run(command: Any) -> Any:
    """Run a command over the database, beside the serving process if there is one."""

    async def over_the_database() -> Any:
        deps = open_deps(read_settings())
        try:
            return await command(deps)
        finally:
            await deps.database.close()

    return run_async(over_the_database())


def migrated(command: Any) -> Any:
    """On the embedded default a first command finds its database made. Nothing is sealed or opened with a wrong key."""

    async def when_ready(deps: Deps) -> Any:
        await make_ready(deps, serving=False)
        return await command(deps)

    return when_ready


def tell(as_json: bool, content: dict[str, Any]) -> None:
    if as_json:
        sys.stdout.write(json.dumps(content) + "\n")
        return
    width = max(len(name) for name in content)
    for name, value in content.items():
        out.print(f"[bold]{name:<{width}}[/]  {value}", markup=True)


def show_rows(as_json: bool, name: str, rows: list[dict[str, Any]], none: str) -> None:
    """A table for people, a list under `name` for machines; `none` is said where there are no rows."""
    if as_json:
        return tell(True, {name: rows})
    if not rows:
        return out.print(none)
    table = Table(*(column.replace("_", " ").capitalize() for column in rows[0]), box=None)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    return _WIDE.print(table)


@contextlib.contextmanager
def explained() -> Generator[None]:
    """Our errors end the command with one sentence each, not with a traceback."""
    try:
        yield
    except ConfigurationError as error:
        err.print("error: " + str(error).replace("\n", "\nerror: "), style="red", markup=False)
        raise typer.Exit(2) from error
    except StoreUnavailable as error:
        reason = str(error) or "no answer in time"
        advice = "see SLOTLINK_DATABASE_URL and whether it runs; slotlink doctor says more"
        err.print(f"error: the database cannot be used: {reason}; {advice}", style="red", markup=False)
        raise typer.Exit(1) from error
    except SlotlinkError as error:
        err.print("error: " + str(error).replace("\n", "\nerror: "), style="red", markup=False)
        raise typer.Exit(1) from error
