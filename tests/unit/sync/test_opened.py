"""What errors say of a pair that only whoever opened it knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.paths.remote import RemotePath
from mega_cli.reconcile.situation import Mode
from mega_cli.sync.opened import naming, reading
from mega_cli.sync.pairs import Pair, Pairs

PAIR = Pair("4f1c09a7", Path("/docs"), RemotePath(("docs",)), Mode.TWO_WAY, 0)


def test_a_hint_can_be_pasted() -> None:
    """Where an error arises the pair is not known; where it is known, the hint gets its id."""
    with pytest.raises(SafetyStopError) as caught, naming(PAIR):
        raise SafetyStopError("gone", "to sync it no more: mega syncs rm ID")

    assert caught.value.hint == "to sync it no more: mega syncs rm 4f1c09a7"


def test_a_state_that_cannot_be_read_names_its_pair(tmp_path: Path) -> None:
    """What to do about a damaged state stands in the hint, with the id."""
    pairs = Pairs(tmp_path / "sync", ())
    pairs.state_file(PAIR).parent.mkdir(parents=True)
    pairs.state_file(PAIR).write_bytes(b"this is no database" * 100)

    with pytest.raises(SafetyStopError) as caught, reading(pairs, PAIR):
        pass

    assert f"mega syncs rm {PAIR.id}, then the same mega sync again" in caught.value.hint
