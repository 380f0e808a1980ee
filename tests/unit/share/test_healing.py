"""What happens to a command's links once its change is committed, and what a failure to heal them does to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

from mega_cli.errors import (
    IntegrityError,
    LimitError,
    MegaError,
    PolicyError,
    RollbackError,
    TemporaryError,
    UntrustedKeyError,
)
from mega_cli.share.healing import open_to_change
from mega_cli.system.directories import Directories, Home
from mega_cli.volume.progress import SilentProgress

Given = Callable[..., list[str]]


@dataclass
class FakeSession:
    """A session that has committed, or not."""

    has_committed: bool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Given:
    """Have a command change the volume, and healing do as told; give the notes that it left, and "healed"."""

    def run(*, has_committed: bool = True, failure: MegaError | None = None) -> list[str]:
        notes: list[str] = []

        def heal(*_: object, is_thorough: bool) -> int:
            assert not is_thorough
            notes.append("healed")
            if failure is not None:
                raise failure
            return 0

        monkeypatch.setattr("mega_cli.share.healing.open_volume", lambda *_: FakeSession(has_committed))
        monkeypatch.setattr("mega_cli.share.healing.heal", heal)
        home = Home(Directories(*[tmp_path] * 5), "alice@localhost")
        with open_to_change(home, notes.append, SilentProgress()):
            pass
        return notes

    return run


def test_a_command_that_changed_nothing_heals_nothing(changed: Given) -> None:
    """It asks nothing."""
    assert changed(has_committed=False) == []


def test_a_commit_is_followed_by_healing(changed: Given) -> None:
    """Quietly."""
    assert changed() == ["healed"]


@pytest.mark.parametrize("failure", [TemporaryError("away"), LimitError("too many")])
def test_what_cannot_be_healed_now_is_a_note(changed: Given, failure: MegaError) -> None:
    """The change stands; the note says how to go on."""
    healed, note = changed(failure=failure)

    assert healed == "healed"
    assert failure.message in note
    assert note.endswith("mega shares")


@pytest.mark.parametrize(
    "failure", [IntegrityError(), RollbackError("x"), UntrustedKeyError("x"), PolicyError("x")], ids=lambda e: e.name
)
def test_what_does_not_verify_is_never_passed_over(changed: Given, failure: MegaError) -> None:
    """A server that lies about links lies."""
    with pytest.raises(type(failure)):
        changed(failure=failure)
