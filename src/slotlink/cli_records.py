"""The command's look into what is kept: links with their history, callbacks with their attempts."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from slotlink.domain.event import wire_time
from slotlink.domain.link import LinkStatus
from slotlink.errors import InvalidRequest, NotFound
from slotlink.services.callbacks import link_object
from slotlink.services.deps import Deps
from slotlink.store import link_listing, links, outbox, outbox_listing
from slotlink.store.link_listing import ListedLink
from slotlink.store.outbox import Attempt
from slotlink.store.outbox_listing import StoredItem
from slotlink.terminal import AsJson, explained, migrated, out, run, show_rows, tell

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")]

links_cli = typer.Typer(help="Links and their history.", no_args_is_help=True)
callbacks_cli = typer.Typer(help="Callbacks and their attempts.", no_args_is_help=True)


@links_cli.command("list")
def list_links(
    status: Annotated[LinkStatus | None, typer.Option(help="Only those of one status.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List links of all applications."""

    async def read(deps: Deps) -> list[ListedLink]:
        async with deps.database.reading() as connection:
            return await link_listing.list_newest(connection, int(time.time()), status=status, limit=limit)

    with explained():
        found = run(migrated(read))
        rows = [
            {
                "real_time_scheduling_id": each.link_id,
                "client_id": each.application_id,
                "status": str(each.status),
                "summary": each.summary,
                "created_at": wire_time(each.created_at),
            }
            for each in found
        ]
        show_rows(as_json, "links", rows, "No links.")


@links_cli.command("show")
def show_link(id_or_token: str, as_json: AsJson = False) -> None:
    """Show a link, what happened to it, and its callbacks."""

    async def read(deps: Deps) -> dict[str, Any]:
        now = int(time.time())
        async with deps.database.reading() as connection:
            link = await link_listing.find_anywhere(connection, deps.vault, id_or_token)
            if link is None:
                raise NotFound("no link has this id or token; slotlink links list shows the newest")
            history = await links.history(connection, link.application_id, link.link_id)
            callbacks = await outbox_listing.of_link(connection, link.application_id, link.link_id)
        return {
            "client_id": link.application_id,
            "real_time_scheduling": link_object(deps, link, now),
            "created_at": wire_time(link.created_at),
            "history": [{"at": wire_time(at), "what": what, "details": details} for at, what, details in history],
            "callbacks": [
                {"id": item_id, "state": state, "attempts": attempts} for item_id, state, attempts in callbacks
            ],
        }

    with explained():
        content = run(migrated(read))
        if as_json:
            return tell(True, content)
        shown = content["real_time_scheduling"]
        event = shown["event"]
        lines = {
            "id": shown["real_time_scheduling_id"],
            "client id": content["client_id"],
            "status": shown["status"],
            "url": shown["url"],
            "summary": event["summary"],
            **({"start": event["start"]["time"], "end": event["end"]["time"]} if "start" in event else {}),
        }
        tell(False, lines)
        for entry in content["history"]:
            details = ", ".join(f"{name} {value}" for name, value in entry["details"].items())
            out.print(f"{entry['at']}  {entry['what']}  {details}".rstrip(), markup=False)
        for callback in content["callbacks"]:
            out.print(f"callback {callback['id']}  {callback['state']}  {_times(callback['attempts'])}", markup=False)
    return None


@callbacks_cli.command("list")
def list_callbacks(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that were given up.")] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List callbacks of all applications, with their last attempts."""

    async def read(deps: Deps) -> list[tuple[StoredItem, list[Attempt]]]:
        async with deps.database.reading() as connection:
            items = await outbox_listing.list_items(connection, failed=failed, limit=limit)
            return [
                (item, await outbox_listing.attempts_of(connection, item.application_id, item.item_id))
                for item in items
            ]

    with explained():
        rows = [
            {
                "id": item.item_id,
                "real_time_scheduling_id": item.link_id,
                "client_id": item.application_id,
                "host": item.host,
                "state": item.state,
                "attempts": [
                    {"at": wire_time(each.at), "status_code": each.status_code, "outcome": each.outcome}
                    for each in attempts
                ],
            }
            for item, attempts in run(migrated(read))
        ]
        if as_json:
            return tell(True, {"callbacks": rows})
        for row in rows:
            tries = row.pop("attempts")
            row["attempts"] = f"{len(tries)}, last: {tries[-1]['outcome']}" if tries else "none yet"
        show_rows(False, "callbacks", rows, "No callbacks were given up." if failed else "No callbacks.")
    return None


@callbacks_cli.command("replay")
def replay_callback(item_id: Annotated[str, typer.Argument(metavar="ID")], as_json: AsJson = False) -> None:
    """Try a callback that was given up again, by the whole schedule, with the same id and bytes."""

    async def put_back(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            item = await outbox_listing.find_anywhere(connection, item_id)
            if item is None:
                raise NotFound("no callback has this id; slotlink callbacks list --failed shows what was given up")
            if not await outbox.replay(connection, item.application_id, item_id, int(time.time())):
                raise InvalidRequest.of(
                    "id",
                    "errors.not_supported",
                    f"this callback is {item.state}; only one that was given up can be replayed",
                )

    with explained():
        run(migrated(put_back))
        tell(as_json, {"id": item_id, "state": "waiting"})


def _times(attempts: int) -> str:
    return "1 attempt" if attempts == 1 else f"{attempts} attempts"
