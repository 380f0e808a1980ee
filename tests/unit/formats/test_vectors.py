"""Runs every committed known-answer vector, failures included."""

from __future__ import annotations

import pytest

from tests.kit.vectors import FOLDER, RUNNERS, Vector, load, outcome

CASES = [
    pytest.param(layout, vector, id=f"{layout}: {vector['comment']}") for layout in RUNNERS for vector in load(layout)
]


@pytest.mark.parametrize(("layout", "vector"), CASES)
def test_a_vector_comes_out_as_it_says(layout: str, vector: Vector) -> None:
    """The outcome is the expected one, and a success gives exactly the committed result."""
    assert outcome(layout, vector) == (vector["expect"], vector.get("result"))


def test_every_file_of_vectors_is_run() -> None:
    """No file of vectors of these layouts lies unused."""
    assert set(RUNNERS) <= {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize(
    "layout",
    ["object", "blob", "list", "page", "root-record", "slot", "idcert", "recovery-kit", "link-url", "link-record"],
)
def test_every_layout_has_successes_and_failures(layout: str) -> None:
    """A layout without a refused vector would say nothing about strictness."""
    expectations = {vector["expect"] for vector in load(layout)}

    assert "ok" in expectations
    assert len(expectations) > 1
