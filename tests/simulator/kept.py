"""Seeds that found something once: one file each in `seeds/`, the seed and a sentence that says what it found."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "seeds"


def kept_seeds() -> dict[int, str]:
    """Give the kept seeds and their sentences, the smallest seed first."""
    found = {}
    for path in FOLDER.glob("*.txt"):
        seed, _, sentence = path.read_text(encoding="utf-8").strip().partition(" ")
        found[int(seed)] = sentence
    return dict(sorted(found.items()))


def keep(seed: int) -> Path:
    """Keep a seed that failed, its sentence still to be written; one that is kept already stays as it is."""
    path = FOLDER / f"{seed}.txt"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        path.write_text(f"{seed} \n", encoding="utf-8")
    return path
