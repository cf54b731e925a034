"""`docs/security.md` is held to the tree: it answers every requirement once, and names only what is there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from slotlink.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "slotlink"
TEXT = (ROOT / "docs" / "security.md").read_text()
OPEN = "**open**"
ATTACKS = 31

# OWASP ASVS 5.0.0: for each section the levels of its requirements, in order. 70 of level 1, 183 of 2, 92 of 3.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
OURS_OF_LEVEL_3 = ("2.", "4.", "15.4")  # where level 3 counts too


def required() -> list[str]:
    return [
        f"{section}.{number}"
        for section, levels in LEVELS.items()
        for number, level in enumerate(levels, 1)
        if level in "12" or section.startswith(OURS_OF_LEVEL_3)
    ]


def rows() -> list[list[str]]:
    """The cells of every row of every table."""
    lines = [line for line in TEXT.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if not line.startswith("| ---")]


def numbers(cell: str) -> list[str]:
    """`6.2.1–6.2.3, 6.3.1` is four requirements."""
    found: list[str] = []
    for first, last in re.findall(r"(\d+\.\d+\.\d+)(?:–(\d+\.\d+\.\d+))?", cell):
        section, _, start = first.rpartition(".")
        last_section, _, end = (last or first).rpartition(".")
        assert section == last_section, f"{first}–{last} crosses sections"
        found += [f"{section}.{number}" for number in range(int(start), int(end) + 1)]
    return found


def answers() -> list[tuple[list[str], str]]:
    """(requirements, answer) of each row of the standard's tables."""
    return [(numbers(row[0]), row[1]) for row in rows() if re.match(r"\d+\.\d+\.\d+", row[0])]


def attacks() -> list[list[str]]:
    return [row for row in rows() if re.fullmatch(r"\d+", row[0])]


def test_the_list_of_requirements_is_the_whole_standard() -> None:
    assert Counter("".join(LEVELS.values())) == {"1": 70, "2": 183, "3": 92}
    assert len(required()) == 70 + 183 + 12


def test_every_requirement_is_answered_exactly_once() -> None:
    answered = Counter(number for found, _ in answers() for number in found)
    assert [number for number, times in answered.items() if times > 1] == []
    assert [number for number in required() if number not in answered] == []
    assert [number for number in answered if number not in required()] == []
    assert all(found and answer for found, answer in answers())


def test_the_open_ones_are_counted() -> None:
    stated = re.search(r"\*\*Open: (\d+) of (\d+) requirements, (\d+) of (\d+) attacks\.\*\*", TEXT)
    assert stated is not None
    open_requirements = sum(len(found) for found, answer in answers() if OPEN in answer)
    open_attacks = sum(OPEN in " ".join(row) for row in attacks())
    assert [int(number) for number in stated.groups()] == [open_requirements, len(required()), open_attacks, ATTACKS]


def test_every_attack_has_a_defence_and_a_test_or_is_open() -> None:
    assert [row[0] for row in attacks()] == [str(number) for number in range(1, ATTACKS + 1)]
    for number, _, defence, test in attacks():
        assert defence and ("test_" in test or OPEN in test), number


def test_every_test_that_is_named_exists() -> None:
    existing: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        if "node_modules" not in path.parts:
            tree = ast.parse(path.read_text())
            existing |= {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert len(named) > 50
    assert sorted(named - existing) == []


def test_every_file_that_is_named_exists() -> None:
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|html|css|txt))`", TEXT)
    assert len(named) > 20
    missing = [name for name in named if not any((folder / name).is_file() for folder in (SOURCE, ROOT))]
    assert missing == []


def test_every_setting_and_heading_that_is_named_exists() -> None:
    settings = {PREFIX + name.upper() for name in Settings.model_fields}
    named = {name.removesuffix("_FILE") for name in re.findall(r"`(SLOTLINK_[A-Z_]+)`", TEXT)}
    assert sorted(named - settings) == []
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in TEXT.splitlines()}
    assert [anchor for anchor in re.findall(r"\]\(#([^)]+)\)", TEXT) if anchor not in headings] == []
