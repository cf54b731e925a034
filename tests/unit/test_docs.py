"""What the documents say is what the code has."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from slotlink.settings import PREFIX, Settings
from slotlink.web.routes import API

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_setting_is_documented_and_nothing_else() -> None:
    text = (ROOT / "docs" / "operate.md").read_text()
    rows = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `SLOTLINK_")]
    named: set[str] = set()
    for row in rows:
        names = re.findall(r"`([A-Z_]+)`", row)
        # `SLOTLINK_API_URL`, `SLOTLINK_APP_URL` stand whole; after `SLOTLINK_LIMIT_GROUPS` come `_MEMBERS` and others.
        named |= {name if name.startswith(PREFIX) else f"SLOTLINK_LIMIT{name}" for name in names}
    assert named == {PREFIX + name.upper() for name in Settings.model_fields}


def test_every_call_of_the_api_stands_in_its_table() -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    for _, path, _ in API:
        if "/pages/" in path:
            continue  # addresses that answers give, not for people to write
        shown = re.sub(r"\{\w+_id\}", "{id}", path)
        assert f"{shown}`" in text or f"{shown}?" in text, path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
        assert target.startswith("https://") or (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_documents_name_exist(document: Path) -> None:
    for target in re.findall(r"`((?:tests|docs|src|bench)/[a-zA-Z0-9_/.]+\.[a-z]+)`", document.read_text()):
        assert (ROOT / target).exists(), target


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_drawing_of_the_house_names_files_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    drawing = text.partition("## Who may import whom")[0]
    source = ROOT / "src" / "slotlink"
    existing = {path.name for path in source.rglob("*.py")}
    for name in re.findall(r"(?<![a-z_…])([a-z][a-z_]*\.py)\b", drawing):
        assert name in existing, f"ARCHITECTURE.md names {name}"


def test_make_help_lists_what_the_readme_promises() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in ("run", "test", "check", "bench", "lock"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_example_of_the_engine_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "engine.md").read_text()
    code = textwrap.dedent("\n".join(line for line in text.splitlines() if line.startswith("    ") or not line))
    said = re.findall(r"\d+ \(\d+,\)", code.rpartition("#")[2])
    assert len(said) > 1
    exec(compile(code, "docs/engine.md", "exec"), {})
    assert capsys.readouterr().out.splitlines() == said
