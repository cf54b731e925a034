"""Secrets are found by an index of their digest. Comparing them in Python would tell by its time how far it came."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "slotlink"
SECRET = re.compile(r"(^|_)(secret|token|password|signature|digest|sha256)$")
NO_SECRET = {
    "earlier.request_sha256 != asked",  # of the caller's own request, under the caller's own key
    "known.digest == feed.digest",  # of a feed's content: is it the one that was read before
}
COMPARING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)


def comparisons(source: str) -> list[str]:
    """Every comparison of something that is called a secret, but for those that make SQL."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(operator, COMPARING) for operator in node.ops):
            sides = [node.left, *node.comparators]
            if any(SECRET.search(_name(side)) for side in sides) and not any(_is_column(side) for side in sides):
                found.append(ast.unparse(node))
    return found


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _is_column(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "c"


def test_no_secret_is_compared_in_python() -> None:
    found = {text for path in SOURCE.rglob("*.py") for text in comparisons(path.read_text())}
    assert found == NO_SECRET


def test_a_comparison_of_a_secret_is_noticed() -> None:
    assert comparisons("given == application.client_secret") == ["given == application.client_secret"]
    assert comparisons("token in known") == ["token in known"]
    assert comparisons("rows.where(links.c.token_sha256 == digest(token))") == []
