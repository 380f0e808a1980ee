"""Read what a scan found, and notice when it does not hold still.

A reading pairs content with stamps only if the open file had them before and after, and its name led to them at the end
(`design/sync.md` I5). Anything else is no content at all, but a reason. It relies on `Disk` to follow no link.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final, NamedTuple

from mega_cli.crypto.content import content_hasher
from mega_cli.localfs.disk import Disk, Found, Place
from mega_cli.paths.names import ESCAPE_MARKER, text_from_disk
from mega_cli.reconcile.situation import Reason
from mega_cli.sync.world import Clock

_BUFFER_BYTES: Final = 1 << 20
_MOVED_ON: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.EISDIR})
"""How a name answers that led to a file, link or folder a moment ago, and leads elsewhere now."""


class Reading(NamedTuple):
    """What a file or link is, and the stamps it had all the while."""

    found: Found
    observed_ns: int
    """The wall clock before the stamps were first taken."""
    content: bytes
    """The digest of a file; the target of a link, as UTF-8."""


def stable_read(disk: Disk, place: Place, clock: Clock) -> Reading | Reason:
    """Hash a file, or say why it cannot be: UNREADABLE, or FILE_CHANGING when anything of it changed meanwhile."""
    hasher = content_hasher()
    seen = _stable_pass(disk, place, clock, hasher.update)
    return seen if isinstance(seen, Reason) else Reading(*seen, hasher.digest())


def stable_bytes(disk: Disk, place: Place, clock: Clock, most_bytes: int) -> bytes | Reason:
    """Read a small file whole, but no more than one byte over `most_bytes`; reasons as in `stable_read`."""
    data = bytearray()

    def take(piece: memoryview) -> None:
        data.extend(piece[: most_bytes + 1 - len(data)])

    seen = _stable_pass(disk, place, clock, take)
    return seen if isinstance(seen, Reason) else bytes(data)


def read_target(disk: Disk, place: Place, clock: Clock) -> Reading | Reason:
    """Read where a link points. A target that is not UTF-8 is NAME_ILLEGAL; other reasons as in `stable_read`."""
    try:
        observed_ns = clock.now_ns()
        before = disk.look(place)
        target = disk.read_link(place)
        after = disk.look(place)
    except OSError as error:
        return reason_of(error)
    if before is None or before != after:
        return Reason.FILE_CHANGING
    text = text_from_disk(target)
    if text.startswith(ESCAPE_MARKER):
        return Reason.NAME_ILLEGAL
    return Reading(before, observed_ns, text.encode())


def reason_of(error: OSError) -> Reason:
    """Say what a failed look, listing or reading means: a name that leads elsewhere by now, or one that is barred."""
    return Reason.FILE_CHANGING if error.errno in _MOVED_ON else Reason.UNREADABLE


def _stable_pass(
    disk: Disk, place: Place, clock: Clock, take: Callable[[memoryview], object]
) -> tuple[Found, int] | Reason:
    """Hand over every byte of a file, and give its stamps and the time before they were taken, or a reason."""
    try:
        with disk.open_file(place) as file:
            observed_ns = clock.now_ns()
            before = file.found()
            read_bytes = 0
            with memoryview(bytearray(min(_BUFFER_BYTES, before.stamps.size + 1))) as buffer:
                while count := file.readinto(buffer):
                    read_bytes += count
                    if read_bytes > before.stamps.size:
                        return Reason.FILE_CHANGING
                    take(buffer[:count])
                    if count < len(buffer) and read_bytes == before.stamps.size:
                        break  # more was asked for: this is the end
            is_stable = file.found() == before == disk.look(place) and read_bytes == before.stamps.size
    except OSError as error:
        return reason_of(error)
    return (before, observed_ns) if is_stable else Reason.FILE_CHANGING
