"""One device that commits again and again: `python -m tests.kit.committer NUMBER COMMITS`, in its MEGA_HOME.

It says "ready", waits for a line, makes its commits, and says how many swaps it lost and how long its commits took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable

from mega_cli.account import open_volume
from mega_cli.errors import HeadMovedError
from mega_cli.model import BlobId, VolumeId
from mega_cli.paths.remote import RemotePath
from mega_cli.system.directories import open_home
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions, PutStream
from mega_cli.volume.session import VolumeSession


class Content:
    """The bytes of one file, as a stream."""

    def __init__(self, text: str) -> None:
        self._data = text.encode()

    def readinto(self, buffer: memoryview, /) -> int:
        """Give everything, then nothing."""
        data, self._data = self._data, b""
        buffer[: len(data)] = data
        return len(data)


def name_of(device: int, number: int) -> str:
    """Name a file so that devices meet in every page."""
    return f"{number:03}-{device:02}"


def content_of(name: str) -> str:
    """Tell a file's content from its name."""
    return f"what {name} holds " * 20


def main() -> None:
    """Commit."""
    device, commits = int(sys.argv[1]), int(sys.argv[2])
    with open_volume(open_home()) as session:
        lost = _count_lost_swaps(session)
        _say("ready")
        sys.stdin.readline()
        took_s = []
        for number in range(commits):
            name = name_of(device, number)
            began_s = time.monotonic()
            path = RemotePath.parse("/" + name)
            put(session, [PutStream(Content(content_of(name)))], path, PutOptions(), SilentProgress())
            took_s.append(round(time.monotonic() - began_s, 4))
        _say(json.dumps({"lost": len(lost), "took_s": took_s}))


def _say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _count_lost_swaps(session: VolumeSession) -> list[int]:
    """Watch the client's commits; the list grows with each one that came too late."""
    lost: list[int] = []
    commit = session.client.commit

    def watched(volume: VolumeId, record: bytes, needs: Iterable[BlobId]) -> None:
        try:
            commit(volume, record, needs)
        except HeadMovedError:
            lost.append(1)
            raise

    session.client.commit = watched  # type: ignore[method-assign]  # only looked at, and only in this process
    return lost


if __name__ == "__main__":
    main()
