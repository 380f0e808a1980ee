"""What a device remembers of the links of others: it only rises, and is never silently forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.state.seen_links import SeenLinks

LINK, PIN = b"l" * 16, b"p" * 16


def test_what_was_seen_only_rises(tmp_path: Path) -> None:
    """Also when an older run writes last; it is there after a restart."""
    with SeenLinks(tmp_path / "seen.db") as seen:
        assert seen.seq(LINK, PIN) == 0
        for seq in (7, 9, 8):
            seen.raise_seq(LINK, PIN, seq)
    with SeenLinks(tmp_path / "seen.db") as seen:
        assert seen.seq(LINK, PIN) == 9


def test_a_link_is_its_id_and_its_pin(tmp_path: Path) -> None:
    """Who makes up a link of the same id with a seq beyond all others spoils nothing."""
    with SeenLinks(tmp_path / "seen.db") as seen:
        seen.raise_seq(LINK, b"q" * 16, 2**62)

        assert seen.seq(LINK, PIN) == 0


def test_a_visit_is_gone_on_with_for_a_while(tmp_path: Path) -> None:
    """Its token is kept until it is too old; beginning another forgets the old ones."""
    with SeenLinks(tmp_path / "seen.db") as seen:
        seen.begin_visit(LINK, PIN, b"token", 100, 0)
        assert seen.visit(LINK, PIN, 99) == b"token"
        assert seen.visit(LINK, PIN, 100) is None
        seen.begin_visit(b"m" * 16, PIN, b"other", 200, 100)

        assert seen.visit(LINK, PIN, 0) is None


def test_a_damaged_file_stops(tmp_path: Path) -> None:
    """It is no cache: forgetting is a person's decision."""
    (tmp_path / "seen.db").write_bytes(b"rubbish " * 1000)

    with pytest.raises(SafetyStopError, match="links that were seen"):
        SeenLinks(tmp_path / "seen.db")


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    """It holds which links were opened, and the tokens of visits."""
    SeenLinks(tmp_path / "state" / "seen.db").__exit__()

    assert (tmp_path / "state" / "seen.db").stat().st_mode & 0o077 == 0
