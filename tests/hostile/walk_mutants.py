"""The mutants of walks through hostile trees, for the table in `mutants.py`: row, what, (file, text, other text)."""

from __future__ import annotations

from collections.abc import Sequence

_WALK = "mega_cli/volume/walk.py"
_ENTERED = "            limits.enter(folder_ref(entry))\n"

WALK_MUTANTS: Sequence[tuple[str, str, tuple[tuple[str, str, str], ...]]] = (
    (
        "T41",
        "a walk may enter a page as often as it likes, to a depth",
        ((_WALK, _ENTERED, ""), (_WALK, "MOST_ENTRIES: Final = 10_000_000", "MOST_ENTRIES: Final = 100_000")),
    ),
    (
        "T74",
        "a walk has any number of entries",
        ((_WALK, "if self._entries > MOST_ENTRIES:", "if self._entries < 0:"),),
    ),
    ("T74", "a name may be long", (("mega_cli/formats/page.py", "0 < size <= NAME_MOST_BYTES", "0 < size"),)),
)
