"""Each measure that SECURITY.md names has the test that it names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
NAMED = sorted(set(_TEST.findall(PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_test_exists(file: str, name: str) -> None:
    found: list[ast.stmt] = ast.parse((ROOT / file).read_text(encoding="utf-8")).body
    *classes, function = name.split("::")
    for one in classes:
        [node] = [part for part in found if isinstance(part, ast.ClassDef) and part.name == one]
        found = node.body
    assert function in {part.name for part in found if isinstance(part, ast.FunctionDef)}


def test_every_measure_names_one() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "---" not in line]
    lacking = [row for row in rows[1:] if not _TEST.search(row)]
    assert lacking == []
    assert len(rows) > 20


def test_the_documentation_has_the_same_page() -> None:
    assert (ROOT / "docs" / "security.md").read_text(encoding="utf-8") == PAGE
