"""The threat model's claims name tests that exist, and its rows are the ones that are played."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.hostile.mutants import SCOPE

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
CLAIMS = dict(re.findall(r"^- \*\*(C\d+)\*\* (.*)$", TEXT, re.MULTILINE))


def hostile_tests() -> dict[str, set[str]]:
    """Read every hostile test, those in a browser too, and the rows it is marked with."""
    found = {}
    for file in (*(ROOT / "tests" / "hostile").glob("test_*.py"), *(ROOT / "tests" / "browser").glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = "\n".join(ast.unparse(mark) for mark in node.decorator_list)
                found[f"{file.name}::{node.name}"] = set(re.findall(r"attack\('(T\d+)'\)", marks))
    return found


TESTS = hostile_tests()


def cited(claim: str) -> set[str]:
    """Give the hostile tests that a claim names."""
    return set(re.findall(r"`(test_\w+\.py::test_\w+)`", claim))


def test_claims_are_numbered_without_a_gap() -> None:
    """C1, C2, and so on, each once."""
    assert list(CLAIMS) == [f"C{n}" for n in range(1, len(CLAIMS) + 1)]
    assert len(re.findall(r"\*\*C\d+\*\*", TEXT)) == len(CLAIMS)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_names_tests_that_exist(claim: str) -> None:
    """At least one, and each of them is there."""
    assert cited(CLAIMS[claim])
    assert cited(CLAIMS[claim]) <= TESTS.keys()


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claims_tests_play_its_rows(claim: str) -> None:
    """Each row that a claim states before its tests is the mark of one of them, and each mark is stated."""
    stated = set(re.findall(r"\bT\d\d\b", CLAIMS[claim].partition(" · ")[0]))
    marked = set().union(*(TESTS[test] for test in cited(CLAIMS[claim])))

    assert marked == stated


@pytest.mark.parametrize("row", SCOPE)
def test_every_row_is_played_and_cited(row: str) -> None:
    """Every row of the list that has a feature has a test, and a claim that states it."""
    assert any(row in rows for rows in TESTS.values())
    assert any(row in claim.partition(" · ")[0] for claim in CLAIMS.values())


@pytest.mark.parametrize("test", sorted(name for name, rows in TESTS.items() if rows))
def test_every_attack_is_cited_by_a_claim(test: str) -> None:
    """No attack is played for a claim that nobody makes."""
    assert any(test in cited(claim) for claim in CLAIMS.values())


def test_other_places_in_the_text_exist() -> None:
    """What is cited outside the hostile tests is a name in a file."""
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT):
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
