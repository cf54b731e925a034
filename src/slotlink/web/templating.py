"""The templates of all pages, compiled once, and how they come by their words."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, pass_context
from jinja2.runtime import Context

from slotlink.web.dates import number_text


@cache
def environment() -> Environment:
    """One for the process: templates are compiled once. Each page brings its words along, in its context."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    filters: dict[str, Any] = {"one_way": _one_way, "digits": _digits}
    made.filters.update(filters)
    install: Any = getattr(made, "install_gettext_callables")  # noqa: B009 - added by the extension
    install(_gettext, _ngettext, newstyle=True, pgettext=_pgettext)
    return made


@pass_context
def _gettext(context: Context, message: str) -> str:
    return context["words"].gettext(message)


@pass_context
def _ngettext(context: Context, singular: str, plural: str, number: int) -> str:
    return context["words"].ngettext(singular, plural, number)


@pass_context
def _pgettext(context: Context, purpose: str, message: str) -> str:
    return context["words"].pgettext(purpose, message)


@pass_context
def _digits(context: Context, number: int) -> str:
    return number_text(number, context["locale"])


# Marks that turn the direction of what follows. In a page <bdi> keeps them to their text; a title has no elements.
_TURNS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def _one_way(text: str) -> str:
    return text.translate(_TURNS)
