"""The command's applications: make them, change their secrets, end them. What their pages look like is in
`cli_branding.py`."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.table import Table

from slotlink.cli_branding import brand
from slotlink.domain.redirect_uri import check_redirect_uri
from slotlink.errors import InvalidRequest, NotFound
from slotlink.services.deps import Deps
from slotlink.store import applications, authorizations, tokens
from slotlink.terminal import AsJson, explained, migrated, out, run, tell

applications_cli = typer.Typer(help="Applications and their client secrets.", no_args_is_help=True)
redirects_cli = typer.Typer(help="Where an application may have its users sent back to.", no_args_is_help=True)
applications_cli.command("brand")(brand)
applications_cli.add_typer(redirects_cli, name="redirects")


@applications_cli.command("create")
def create_application(name: str, as_json: AsJson = False) -> None:
    """Create an application. Its secret is shown once."""

    async def act(deps: Deps) -> tuple[str, str]:
        async with deps.database.transaction() as connection:
            return await applications.create(connection, deps.vault, _name(name), int(time.time()))

    with explained():
        client_id, client_secret = run(migrated(act))
        tell(as_json, {"client_id": client_id, "client_secret": client_secret})


@applications_cli.command("list")
def list_applications(as_json: AsJson = False) -> None:
    """List the applications."""

    async def act(deps: Deps) -> list[applications.ApplicationRow]:
        async with deps.database.reading() as connection:
            return await applications.all_of_them(connection)

    with explained():
        rows = [
            {"client_id": row.application_id, "name": row.name, "active_secrets": row.active_secrets}
            for row in run(migrated(act))
        ]
        if as_json:
            return tell(True, {"applications": rows})
        table = Table("Client id", "Name", "Active secrets", box=None)
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        out.print(table if rows else "No applications yet. Make one: slotlink applications create NAME")
    return None


@applications_cli.command("rotate-secret")
def rotate_secret(
    client_id: str,
    now: Annotated[bool, typer.Option("--now", help="No other secret works any more, as after a leak.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add a second client secret; both work until the older one is revoked."""

    async def act(deps: Deps) -> str:
        change = applications.replace_secrets if now else applications.rotate_secret
        async with deps.database.transaction() as connection:
            return await change(connection, deps.vault, client_id, int(time.time()))

    with explained():
        tell(as_json, {"client_id": client_id, "client_secret": run(migrated(act))})


@applications_cli.command("revoke-secret")
def revoke_secret(client_id: str, as_json: AsJson = False) -> None:
    """Revoke the older of two client secrets."""

    async def act(deps: Deps) -> None:
        async with deps.database.transaction() as connection:
            await applications.revoke_oldest_secret(connection, client_id, int(time.time()))

    with explained():
        run(migrated(act))
        tell(as_json, {"client_id": client_id, "revoked": "the older secret"})


@applications_cli.command("revoke-tokens")
def revoke_tokens(client_id: str, as_json: AsJson = False) -> None:
    """End every access and refresh token of its accounts, as after a leak. The accounts stay."""

    async def act(deps: Deps) -> int:
        async with deps.database.transaction() as connection:
            await applications.get(connection, client_id)
            return await tokens.revoke_all(connection, client_id)

    with explained():
        tell(as_json, {"client_id": client_id, "revoked_tokens": run(migrated(act))})


@applications_cli.command("delete")
def delete_application(
    client_id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Really. There is no way back but a backup.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete an application with its accounts, calendars, links, bookings and callbacks."""

    async def act(deps: Deps) -> dict[str, int]:
        async with deps.database.transaction() as connection:
            return await applications.delete_everything(connection, client_id)

    with explained():
        if not yes:
            raise InvalidRequest.of("yes", "errors.required", "this cannot be undone; say --yes")
        counts = run(migrated(act))
        tell(as_json, {"client_id": client_id, "deleted_rows": sum(counts.values())})


@redirects_cli.command("add")
def add_redirect(client_id: str, uri: str, as_json: AsJson = False) -> None:
    """Let it send its users to /oauth/authorize and have them back at URI, which is compared whole."""

    async def act(deps: Deps) -> bool:
        async with deps.database.transaction() as connection:
            await applications.get(connection, client_id)
            return await authorizations.add_redirect_uri(connection, client_id, uri, int(time.time()))

    with explained():
        fault = check_redirect_uri(uri)
        if fault is not None:
            raise InvalidRequest.of("uri", "errors.invalid_format", f"{uri} cannot be a redirect URI: {fault}")
        tell(as_json, {"client_id": client_id, "redirect_uri": uri, "added": run(migrated(act))})


@redirects_cli.command("remove")
def remove_redirect(client_id: str, uri: str, as_json: AsJson = False) -> None:
    """Send nobody back to URI any more."""

    async def act(deps: Deps) -> bool:
        async with deps.database.transaction() as connection:
            await applications.get(connection, client_id)
            return await authorizations.remove_redirect_uri(connection, client_id, uri)

    with explained():
        if not run(migrated(act)):
            raise NotFound(f"{uri} is no redirect URI of {client_id}; slotlink applications redirects list shows them")
        tell(as_json, {"client_id": client_id, "redirect_uri": uri, "removed": True})


@redirects_cli.command("list")
def list_redirects(client_id: str, as_json: AsJson = False) -> None:
    """List where it may have its users sent back to."""

    async def act(deps: Deps) -> list[str]:
        async with deps.database.reading() as connection:
            await applications.get(connection, client_id)
            return await authorizations.list_redirect_uris(connection, client_id)

    with explained():
        found = run(migrated(act))
        if as_json:
            return tell(True, {"client_id": client_id, "redirect_uris": found})
        for uri in found or ["No redirect URIs yet. Add one: slotlink applications redirects add CLIENT_ID URI"]:
            out.print(uri, markup=False, soft_wrap=True)
    return None


def _name(name: str) -> str:
    if not name.strip() or len(name) > 255:
        raise InvalidRequest.of("name", "errors.required", "give the application a name of 1 to 255 characters")
    return name.strip()
