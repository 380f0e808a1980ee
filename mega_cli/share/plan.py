"""What to do about one link: a pure decision over what the tree and the server say.

    the tree's share   its target      the server's link                    → action
    there              there           none                                 → POST
    there              there           not what was last posted, or older   → UPDATE
    there              there           in step                              → NOTHING
    there              there           stopped, because its target had left → UPDATE
    there              left `files`    enabled                              → STOP
    there              left `files`    stopped, or none                     → NOTHING
    there              any             revoked for ever                     → DROP the share

The share is committed before its link is posted, and dropped after it is revoked, so that whatever was cut heals here.
"""

from __future__ import annotations

from enum import Enum

from mega_cli.api.messages import LinkInfo


class Action(Enum):
    """What brings a link back in step."""

    NOTHING = "nothing"
    POST = "post the link"
    UPDATE = "post what it names now"
    STOP = "stop it until its target is back"
    DROP = "forget the share"


def plan(link: LinkInfo | None, *, has_target: bool, is_in_step: bool) -> Action:
    """Decide; `is_in_step` says that what was last posted is what the target is now, and that the server has it."""
    if link is None:
        return Action.POST if has_target else Action.NOTHING
    if link.is_revoked:
        return Action.DROP
    if not has_target:
        return Action.STOP if link.is_enabled else Action.NOTHING
    return Action.NOTHING if is_in_step and link.is_enabled else Action.UPDATE
