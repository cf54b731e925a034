"""The command that sets how an application's pages look and who may embed them, or shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from slotlink.domain.accent import accent_of
from slotlink.domain.branding import MAX_ORIGINS, Branding, contact_of, locale_of, name_of, origin_of
from slotlink.domain.logo import MAX_LOGO_BYTES, Logo, read_logo
from slotlink.errors import FieldError, InvalidRequest
from slotlink.services.branding import change_branding, given, read_branding
from slotlink.services.deps import Deps
from slotlink.terminal import AsJson, explained, migrated, run, tell

_MEMBERS = tuple(field.name for field in dataclasses.fields(Branding))
_File = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, readable=True, help="PNG or SVG, 4 KB.")]


def brand(
    client_id: str,
    name: Annotated[str | None, typer.Option(help="Stands for its name on its links' pages.")] = None,
    accent: Annotated[str | None, typer.Option(help="One colour, such as #0f766e.")] = None,
    logo: _File = None,
    dark_logo: _File = None,
    privacy_url: Annotated[str | None, typer.Option(help="https: or mailto:, linked in the footer.")] = None,
    support_url: Annotated[str | None, typer.Option(help="https: or mailto:, linked in the footer.")] = None,
    default_locale: Annotated[str | None, typer.Option(help="Of visitors who ask for no language we have.")] = None,
    embed_origin: Annotated[
        list[str] | None, typer.Option(help="May embed the pages; say it for each: these replace the list.")
    ] = None,
    clear: Annotated[list[str] | None, typer.Option(help=f"Set no longer: {', '.join(_MEMBERS)}.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set how the pages of its links look, and which sites may embed them; without options, show it."""
    wanted: dict[str, tuple[Callable[[Any], Any], Any]] = {
        "name": (name_of, name),
        "accent": (accent_of, accent),
        "logo": (_logo_of, logo),
        "dark_logo": (_logo_of, dark_logo),
        "privacy_url": (contact_of, privacy_url),
        "support_url": (contact_of, support_url),
        "default_locale": (locale_of, default_locale),
        "embed_origins": (_origins_of, embed_origin or None),
    }

    with explained():
        changes = _checked(wanted, clear or [])

        async def act(deps: Deps) -> Branding:
            if not changes:
                return await read_branding(deps, client_id)
            return await change_branding(deps, client_id, lambda old: dataclasses.replace(old, **changes))

        shown = given(run(migrated(act)))
        tell(as_json, {"client_id": client_id, **(shown if as_json else _for_people(shown))})


def _checked(wanted: dict[str, tuple[Callable[[Any], Any], Any]], clear: Iterable[str]) -> dict[str, Any]:
    """What is to change. Raises InvalidRequest with every fault."""
    faults: dict[str, list[FieldError]] = {}
    cleared = {member.replace("-", "_") for member in clear}
    unknown = sorted(cleared - set(_MEMBERS))
    if unknown:
        faults["clear"] = [
            FieldError("errors.not_recognized", f"{', '.join(unknown)} is none of {', '.join(_MEMBERS)}")
        ]
    changes: dict[str, Any] = {member: getattr(Branding(), member) for member in cleared - set(unknown)}
    for member, (form, value) in wanted.items():
        if value is None:
            continue
        try:
            changes[member] = form(value)
        except (ValueError, OSError) as error:
            faults[member] = [FieldError("errors.invalid_format", str(error))]
    if faults:
        raise InvalidRequest(faults)
    return changes


def _logo_of(path: Path) -> Logo:
    with path.open("rb") as file:
        return read_logo(file.read(MAX_LOGO_BYTES + 1))


def _origins_of(texts: list[str]) -> tuple[str, ...]:
    if len(texts) > MAX_ORIGINS:
        raise ValueError(f"may have {MAX_ORIGINS} entries")
    return tuple(dict.fromkeys(origin_of(text) for text in texts))


def _for_people(shown: dict[str, Any]) -> dict[str, str]:
    """A picture is long and says nothing to people: only that it is there."""
    texts = {**shown, "embed_origins": " ".join(shown["embed_origins"])}
    for member in ("logo", "dark_logo"):
        texts[member] = (shown[member] or "").partition(";")[0].removeprefix("data:")
    return {member: text or "not set" for member, text in texts.items()}
