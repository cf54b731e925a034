"""The engine imports the standard library and itself, and nothing that could tell the time or reach the world."""

import ast
import sys
from pathlib import Path

import slotlink.engine

FORBIDDEN = {"asyncio", "datetime", "io", "os", "pathlib", "random", "socket", "time", "zoneinfo"}

# The one place where calendar days and zones become instants. It has no clock either: see the last test.
CIVIL = "civil.py"


def imported_modules(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module or "")
    return names


def trees() -> dict[str, ast.Module]:
    return {
        file.name: ast.parse(file.read_text("utf-8")) for file in Path(slotlink.engine.__file__).parent.glob("*.py")
    }


def test_the_engine_imports_only_the_standard_library_and_itself() -> None:
    for tree in trees().values():
        outside = {name for name in imported_modules(tree) if not name.startswith("slotlink.engine")}
        assert {name.split(".")[0] for name in outside} <= set(sys.stdlib_module_names)


def test_the_engine_has_no_clock_no_zone_and_no_io() -> None:
    for file, tree in trees().items():
        allowed: set[str] = {"datetime", "zoneinfo"} if file == CIVIL else set()
        assert not {name.split(".")[0] for name in imported_modules(tree)} & (FORBIDDEN - allowed), file


def test_civil_time_reads_no_clock() -> None:
    named = {node.attr for node in ast.walk(trees()[CIVIL]) if isinstance(node, ast.Attribute)}
    assert not named & {"now", "utcnow", "today"}
