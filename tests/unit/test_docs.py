"""What the documents say is what the code has."""

from __future__ import annotations

import re
import textwrap
from functools import cache
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


# WCAG 2.2 without 4.1.1, which is obsolete: 31 criteria of level A, 24 of level AA.
WCAG = {
    "A": "1.1.1 1.2.1 1.2.2 1.2.3 1.3.1 1.3.2 1.3.3 1.4.1 1.4.2 2.1.1 2.1.2 2.1.4 2.2.1 2.2.2 2.3.1 2.4.1 2.4.2 2.4.3 "
    "2.4.4 2.5.1 2.5.2 2.5.3 2.5.4 3.1.1 3.2.1 3.2.2 3.2.6 3.3.1 3.3.2 3.3.7 4.1.2",
    "AA": "1.2.4 1.2.5 1.3.4 1.3.5 1.4.3 1.4.4 1.4.5 1.4.10 1.4.11 1.4.12 1.4.13 2.4.5 2.4.6 2.4.7 2.4.11 2.5.7 2.5.8 "
    "3.1.2 3.2.3 3.2.4 3.3.3 3.3.4 3.3.8 4.1.3",
}


def criteria() -> list[tuple[str, str, str, str]]:
    """(number, level, answer, how) of each row of docs/accessibility.md."""
    text = (ROOT / "docs" / "accessibility.md").read_text()
    return re.findall(r"^\| (\d\.\d\.\d+) [^|]+ \| (\w+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)


def test_every_criterion_of_accessibility_is_answered_once() -> None:
    required = {number: level for level, numbers in WCAG.items() for number in numbers.split()}
    assert len(required) == 55
    assert [number for number, *_ in criteria()] == sorted(required, key=lambda each: [int(n) for n in each.split(".")])
    assert {number: level for number, level, *_ in criteria()} == required


def test_what_is_said_to_be_accessible_names_a_test_or_the_day_somebody_looked() -> None:
    for number, _, answer, how in criteria():
        if answer == "met":
            assert "`test_" in how or "by hand, " in how, number


def test_the_answers_on_accessibility_are_counted() -> None:
    text = (ROOT / "docs" / "accessibility.md").read_text()
    stated = re.search(r"\*\*Met: (\d+)\. Does not apply: (\d+)\. Not checked: (\d+)\. Not met: (\d+)\.\*\*", text)
    assert stated is not None
    answers = [answer for _, _, answer, _ in criteria()]
    counted = [answers.count(each) for each in ("met", "does not apply", "not checked", "not met")]
    assert [int(number) for number in stated.groups()] == counted and sum(counted) == 55
    unmet = text.partition("## Not met")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^- \*\*([\d.]+)\.\*\*", unmet, re.MULTILINE)) == sorted(
        number for number, _, answer, _ in criteria() if answer == "not met"
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_that_documents_name_exist(document: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", document.read_text()))
    assert sorted(named - existing_tests()) == []


@cache
def existing_tests() -> frozenset[str]:
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if "node_modules" not in path.parts]
    return frozenset(name for path in files for name in re.findall(r"def (test_\w+)\(", path.read_text()))
