"""What the feed answers, and when to ask it again. Pure: the time arrives as an argument.

The feed is a hint from a server that may lie: whoever takes it fetches heads and verifies them. Nothing it says can
make a device ask more often than once a second, or less often than once a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mega_cli.errors import IntegrityError
from mega_server.protocol.ids import VolumeId, volume_id_from_hex
from mega_server.protocol.limits import FEED_WAIT_S
from mega_server.protocol.messages import FeedReply

FEED_WAIT_MOST_S: Final = FEED_WAIT_S
"""The longest wait that servers take."""
_PACE_S: Final = 1.0
_REST_MOST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class FeedAnswer:
    """One answer, well-formed and not to be believed."""

    cursor: str
    """What to ask with next."""
    is_reset: bool
    """Look at every head: the server does not know what changed."""
    revisions: Mapping[VolumeId, int]
    """What the server says of the account's volumes; empty when nothing moved."""
    rest_s: float
    """How long the server wants to be left alone; 0 to 60."""

    @property
    def is_hint(self) -> bool:
        """Say whether heads are to be looked at."""
        return self.is_reset or bool(self.revisions)


def feed_answer(reply: FeedReply) -> FeedAnswer:
    """Check a reply. Raises IntegrityError for what names no volume."""
    try:
        revisions = {volume_id_from_hex(change.volume): change.revision for change in reply.changes}
    except ValueError as error:
        raise IntegrityError from error
    return FeedAnswer(reply.cursor, reply.is_reset, revisions, min(reply.rest_s, _REST_MOST_S))


class FeedPace:
    """How long to rest between two questions. One for each feed that is watched; not to be shared between threads.

    Questions begin at least a second apart. Answers that come at once and tell of nothing new double that, up to a
    minute: an honest server answers so only once, a flooding one gets no spinning client.
    """

    def __init__(self) -> None:
        self._most_told = 0
        self._hollow = 0

    def rest_s(self, answer: FeedAnswer, took_s: float) -> float:
        """Say how long to rest after an answer that took so long to come."""
        told = sum(answer.revisions.values())  # it only grows, for volumes have only newer revisions
        is_slow = max(took_s, answer.rest_s) >= _PACE_S
        self._hollow = 0 if told > self._most_told or is_slow else self._hollow + 1
        self._most_told = max(told, self._most_told)
        apart_s = min(_REST_MOST_S, _PACE_S * 2.0 ** min(self._hollow, 10))
        return max(answer.rest_s, apart_s - took_s, 0.0)
