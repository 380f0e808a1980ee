"""Open the volume to change it, and bring its links in step when the change is committed.

What cannot be healed now is healed by the next change or by `mega shares`: a command whose change stands never fails
for it, unless what the server shows does not verify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from mega_cli.account import open_volume
from mega_cli.api.pace import Pace
from mega_cli.errors import IntegrityError, MegaError, PolicyError, RollbackError, UntrustedKeyError
from mega_cli.share.links import heal
from mega_cli.state.posted import PostedLinks
from mega_cli.system.directories import Home
from mega_cli.volume.progress import Progress
from mega_cli.volume.session import VolumeSession

_NEVER_PASSED_OVER: Final = (IntegrityError, PolicyError, RollbackError, UntrustedKeyError)


@contextmanager
def open_to_change(
    home: Home,
    note: Callable[[str], None],
    progress: Progress,
    pace: Pace | None = None,
    *,
    is_thorough: bool = False,
) -> Iterator[VolumeSession]:
    """Open the volume for a block that may commit; afterwards its links show what it did.

    `note` is told when they do not yet. `is_thorough`: links that stand still are looked for everywhere.
    """
    with open_volume(home, progress, pace) as session:
        yield session
        if session.has_committed:
            heal_or_note(session, home, note, is_thorough=is_thorough)


def heal_or_note(session: VolumeSession, home: Home, note: Callable[[str], None], *, is_thorough: bool = False) -> None:
    """Bring the links in step, or say why they are not. Raises what must never be passed over."""
    try:
        with PostedLinks(home.posted_file) as posted:
            heal(session, posted, is_thorough=is_thorough)
    except _NEVER_PASSED_OVER:
        raise
    except MegaError as error:
        note(f"mega: note: links do not show this yet: {error.message}; to bring them in step: mega shares")
