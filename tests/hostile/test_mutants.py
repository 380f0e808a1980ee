"""The table of mutants covers every row and still fits the sources; `make hostile-mutants` runs it."""

from __future__ import annotations

import pytest

from tests.hostile.mutants import MUTANTS, SCOPE, Mutant, occurrences


@pytest.mark.parametrize("row", SCOPE)
def test_every_row_has_a_mutant(row: str) -> None:
    """A row whose defence nobody switches off might test nothing."""
    assert any(mutant.row == row for mutant in MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.row} {mutant.what}")
def test_a_mutants_text_stands_in_the_source_once(mutant: Mutant) -> None:
    """A replacement that hits nothing, or two places, proves nothing."""
    assert [occurrences(change) for change in mutant.changes] == [1] * len(mutant.changes)
    assert all(change.old != change.new for change in mutant.changes)
