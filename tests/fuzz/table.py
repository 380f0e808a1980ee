"""The table of all targets, by name."""

from __future__ import annotations

from tests.fuzz import formats, links, server_side, state_files, wire, words
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (formats, links, wire, words, state_files, server_side)
    for target in module.TARGETS
}
