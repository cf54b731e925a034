"""`python -m translation`: bring the template and the catalogues up to date, and say what is missing in them.

Exits with 1 where a string has no translation, or one that is marked as fuzzy."""

from __future__ import annotations

import argparse
import sys

from babel import Locale

from slotlink.web.words import catalogue_names
from translation.catalogues import TEMPLATE, gaps, head_of, new_head, path_of, template, text_of, updated


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m translation", description=__doc__)
    parser.add_argument("--add", metavar="LOCALE", action="append", default=[], help="begin a catalogue: cs, pt_BR")
    arguments = parser.parse_args()
    messages = template()
    TEMPLATE.parent.mkdir(exist_ok=True)
    TEMPLATE.write_text(text_of(messages, new_head(None)), encoding="utf-8")
    for name in arguments.add:
        path_of(name).parent.mkdir(parents=True, exist_ok=True)
        if not path_of(name).exists():
            path_of(name).write_text(new_head(Locale.parse(name)) + "\n", encoding="utf-8")
    catalogue_names.cache_clear()
    complete = True
    for name in catalogue_names():
        catalogue = updated(name, messages)
        path_of(name).write_text(text_of(catalogue, head_of(name)), encoding="utf-8")
        found = gaps(catalogue)
        print(f"{name}: {len(found.missing)} missing, {len(found.fuzzy)} fuzzy, {len(found.obsolete)} obsolete")
        for kind, texts in (("missing", found.missing), ("fuzzy", found.fuzzy), ("obsolete", found.obsolete)):
            for text in texts:
                print(f"  {kind}: {text}")
        complete = complete and not found.missing and not found.fuzzy
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
