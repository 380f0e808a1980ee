"""The decision about one link, row for row."""

from __future__ import annotations

import pytest

from mega_cli.api.messages import LinkInfo
from mega_cli.share.plan import Action, plan

HERE, GONE = True, False


def link(*, is_enabled: bool = True, is_revoked: bool = False) -> LinkInfo:
    """Make what the server says of a link."""
    return LinkInfo(
        link=bytes(16),
        seq=3,
        expires_ms=0,
        most_opened=0,
        opened=0,
        fetched_bytes=0,
        created_ms=0,
        last_opened_ms=0,
        is_enabled=is_enabled,
        is_revoked=is_revoked,
        is_disabled=False,
    )


@pytest.mark.parametrize(
    ("info", "has_target", "is_in_step", "action"),
    [
        (None, HERE, False, Action.POST),
        (None, HERE, True, Action.POST),
        (link(), HERE, False, Action.UPDATE),
        (link(), HERE, True, Action.NOTHING),
        (link(is_enabled=False), HERE, True, Action.UPDATE),
        (link(), GONE, True, Action.STOP),
        (link(), GONE, False, Action.STOP),
        (link(is_enabled=False), GONE, False, Action.NOTHING),
        (None, GONE, False, Action.NOTHING),
        (link(is_revoked=True, is_enabled=False), HERE, True, Action.DROP),
        (link(is_revoked=True, is_enabled=False), GONE, False, Action.DROP),
    ],
)
def test_the_table(info: LinkInfo | None, has_target: bool, is_in_step: bool, action: Action) -> None:  # noqa: FBT001 -- a table's columns
    """Each row has its action."""
    assert plan(info, has_target=has_target, is_in_step=is_in_step) is action
