"""What `mega state` shows: which revision this device sees, in a form that two devices can compare."""

from __future__ import annotations

from mega_cli.formats.words import state_words
from mega_cli.volume.requests import VolumeState
from mega_cli.volume.session import VolumeSession


def volume_state(session: VolumeSession) -> VolumeState:
    """Verify the head and describe it. `is_pinned`: this device had seen an earlier revision to compare it with."""
    is_pinned = session.pin() is not None
    head = session.head()
    return VolumeState(
        revision=head.revision,
        words=tuple(state_words(head.digest)),
        time_ms=head.body.time_ms,
        is_pinned=is_pinned,
        digest=head.digest,
    )
