"""The command's look at calendars: those that are mirrored, and files to import into embedded ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from slotlink.domain.event import wire_time
from slotlink.services.deps import Deps
from slotlink.store import mirror_listing
from slotlink.store.mirror_listing import ListedMirror
from slotlink.terminal import AsJson, explained, migrated, run, show_rows, tell

calendars_cli = typer.Typer(help="Calendars: those that live elsewhere, and embedded ones.", no_args_is_help=True)


@calendars_cli.command("list")
def list_calendars(
    problems: Annotated[bool, typer.Option("--problems", help="Only those that need somebody's eye.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the calendars that live elsewhere, with what is wrong: unreadable, disconnected, events not written."""

    async def read(deps: Deps) -> list[ListedMirror]:
        async with deps.database.reading() as connection:
            now = int(time.time())
            return await mirror_listing.list_mirrors(connection, now, only_problems=problems, limit=limit)

    with explained():
        rows = [
            {
                "calendar_id": each.calendar_id,
                "sub": each.sub,
                "client_id": each.application_id,
                "provider": each.provider_name,
                "profile": each.profile_name,
                "read_at": None if each.fresh_at is None else wire_time(each.fresh_at),
                "problem": each.problem,
                "unwritten_events": each.unwritten,
                "why_unwritten": each.unwritten_problem,
            }
            for each in run(migrated(read))
        ]
        show_rows(as_json, "calendars", rows, "Every calendar can be read." if problems else "No calendars elsewhere.")


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
    # Here: the other commands start without what reads calendars.
    from slotlink.services.accounts import known_account
    from slotlink.services.events import MOST_FILE_BYTES, import_calendar

    async def act(deps: Deps) -> dict[str, Any]:
        owner = await known_account(deps, account)
        done = await import_calendar(deps, owner, calendar_id, _read(file, MOST_FILE_BYTES), int(time.time()))
        return {"account": account, "calendar_id": done.calendar_id, "events": done.events, "repeating": done.repeating}

    with explained():
        tell(as_json, run(migrated(act)))


def _read(file: Path, most: int) -> bytes:
    """No more than it takes to see that it is too large."""
    with file.open("rb") as content:
        return content.read(most + 1)
