"""A copy of the tree in which every function of some modules is there in many versions, one of them chosen by name.

mutmut chooses the version when a function is called: by the variable MUTANT_UNDER_TEST, also in other processes."""

from __future__ import annotations

import ast
import difflib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents

COPIED = ("src", "tests", "mutation", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("node_modules", "__pycache__", "*.egg-info")


@dataclass(frozen=True, slots=True)
class Mutant:
    """`module` is a path, `name` the function's version: `x_close__mutmut_7`."""

    module: str
    name: str

    @property
    def chosen_by(self) -> str:
        """What MUTANT_UNDER_TEST has to be."""
        return f"{_dotted(self.module)}.{self.name}"

    @property
    def function(self) -> str:
        """As mutmut notes who was called: `slotlink.store.links.x_close`."""
        return self.chosen_by.rpartition("__mutmut_")[0]

    @property
    def shown(self) -> str:
        """`store/links.py close`"""
        name = self.name.rpartition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        return f"{self.module.removeprefix('src/slotlink/')} {name}"


def plant(root: Path, folder: Path, modules: Iterable[str]) -> list[Mutant]:
    """Copy the tree at `root` into `folder`, with all mutants of `modules` in it."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=NOT_COPIED, dirs_exist_ok=True)
        else:
            shutil.copy2(root / name, folder / name)
    os.chdir(folder)  # where mutmut looks for its settings
    mutants: list[Mutant] = []
    for module in modules:
        mutated = mutate_file_contents(module, Path(module).read_text())
        Path(module).write_text(mutated.code)
        mutants += [Mutant(module, name) for name in mutated.mutant_names]
    return mutants


def difference(folder: Path, mutant: Mutant) -> str:
    """The lines that the mutant changes, before (-) and after (+)."""
    source = (folder / mutant.module).read_text()
    functions = {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, _FUNCTION)}
    names = (f"{mutant.name.rpartition('__mutmut_')[0]}__mutmut_orig", mutant.name)
    before, after = ((ast.get_source_segment(source, functions[name]) or "").splitlines()[1:] for name in names)
    changed = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    return "\n".join(f"  {line[0]} {line[1:].strip()}" for line in changed if line[0] in "+-")


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _dotted(module: str) -> str:
    return module.removeprefix("src/").removesuffix(".py").replace("/", ".")
