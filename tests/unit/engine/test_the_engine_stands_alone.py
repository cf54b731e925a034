"""The engine imports the standard library and itself, and nothing that could tell the time or reach the world."""

import ast
import sys
from pathlib import Path

import slotlink.engine

FORBIDDEN = {"asyncio", "datetime", "io", "os", "pathlib", "random", "socket", "time", "zoneinfo"}


def imported_modules() -> set[str]:
    names: set[str] = set()
    for file in Path(slotlink.engine.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names.add(node.module or "")
    return names


def test_the_engine_imports_only_the_standard_library_and_itself() -> None:
    outside = {name for name in imported_modules() if not name.startswith("slotlink.engine")}
    assert {name.split(".")[0] for name in outside} <= set(sys.stdlib_module_names)


def test_the_engine_has_no_clock_no_zone_and_no_io() -> None:
    assert not {name.split(".")[0] for name in imported_modules()} & FORBIDDEN
