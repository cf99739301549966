"""Every acceptance check of the contract has a test of its number."""

import ast
import re
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
_CHECKS = set(range(1, 51))


def _numbers(file: Path) -> set[int]:
    names = [
        node.name
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    return {
        int(found[1]) for name in names if (found := re.match(r"test_contract_(\d\d)_\w", name))
    }


def test_every_check_has_a_test():
    files = [file for file in _TESTS.rglob("test_*.py") if not file.name.startswith(".")]
    present = set().union(*map(_numbers, files))
    assert sorted(_CHECKS - present) == []
    assert sorted(present - _CHECKS) == []
