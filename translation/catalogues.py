"""The catalogues of the page's words: extracted from the sources, brought up to date, looked through for gaps.

What is written depends on the sources and the translations alone: no dates, no machine's paths, no line numbers, and
messages in the order of their English text, so that two branches that add messages merge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from slotlink.web.words import CATALOGUES, DOMAIN

ROOT = Path(__file__).parents[1]
WEB = ROOT / "src" / "slotlink" / "web"
TEMPLATE = CATALOGUES / f"{DOMAIN}.pot"
COMMENTS = ("translators:",)
TEMPLATE_OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false", "newstyle_gettext": "true"}
UNREAD = "machine-made translation, not yet read by a native speaker"
PLACE = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Gaps:
    """What a catalogue lacks: messages in English."""

    missing: tuple[str, ...]
    fuzzy: tuple[str, ...]
    obsolete: tuple[str, ...]


def template() -> Catalog:
    """Every message of the sources."""
    catalogue = Catalog(charset="utf-8")
    for path in sorted([*WEB.glob("*.py"), *(WEB / "templates").glob("*.html")]):
        method: Any = "python" if path.suffix == ".py" else babel_extract
        options = None if path.suffix == ".py" else TEMPLATE_OPTIONS
        with path.open("rb") as file:
            for _, message, comments, context in extract(method, file, DEFAULT_KEYWORDS, COMMENTS, options, True):
                where = (str(path.relative_to(ROOT)), 0)
                catalogue.add(message, None, [where], auto_comments=comments, context=context)
    return catalogue


def path_of(name: str) -> Path:
    return CATALOGUES / name / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(name: str) -> Catalog:
    with path_of(name).open("rb") as file:
        return read_po(file, locale=name, domain=DOMAIN)


def updated(name: str, messages: Catalog) -> Catalog:
    """The catalogue with the messages of the sources; translations of messages that are gone are kept as obsolete.

    No translation is guessed from a similar message: a wrong guess would hide that there is none."""
    catalogue = read(name)
    catalogue.update(messages, no_fuzzy_matching=True)
    return catalogue


def gaps(catalogue: Catalog) -> Gaps:
    missing = [english(message) for message in messages_of(catalogue) if not all(strings(message))]
    fuzzy = [english(message) for message in messages_of(catalogue) if message.fuzzy]
    return Gaps(tuple(missing), tuple(fuzzy), tuple(english(message) for message in catalogue.obsolete.values()))


def messages_of(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def english(message: Message) -> str:
    return str(message.id[0] if isinstance(message.id, (list, tuple)) else message.id)


def strings(message: Message) -> list[str]:
    """The translation, in each of its plural forms."""
    return list(message.string) if isinstance(message.string, (list, tuple)) else [str(message.string or "")]


def text_of(catalogue: Catalog, head: str) -> str:
    """As it is written to its file, below `head`."""
    file = BytesIO()
    write_po(file, catalogue, width=0, omit_header=True, sort_output=True, include_lineno=False)
    return f"{head.strip()}\n\n{file.getvalue().decode().strip()}\n"


def head_of(name: str) -> str:
    """The head of a catalogue, which people may edit: everything up to the first empty line of its file."""
    return path_of(name).read_text(encoding="utf-8").partition("\n\n")[0]


def new_head(locale: Locale | None) -> str:
    """The head of a new catalogue, or of the template."""
    fields = ["Project-Id-Version: Slotlink"]
    if locale is not None:
        catalogue = Catalog(locale=locale)
        fields += [f"Language: {locale}", f"Plural-Forms: {catalogue.plural_forms}", "X-Generated: machine"]
    fields += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    first = f"# {UNREAD}" if locale is not None else "# The words of the page, in English. Written by make words."
    return "\n".join([first, 'msgid ""', 'msgstr ""', *(f'"{field}\\n"' for field in fields)])
