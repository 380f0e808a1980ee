"""A remote folder that does not exist yet, for the dry run of a first run: it is seen empty, and nothing reaches it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import final

from mega_cli.errors import BugError
from mega_cli.reconcile.nodes import TreeView
from mega_cli.sync.remote import Download, Downloaded, Edit, RemoteMark, Sight, Upload, Uploaded


@final
class NewFolder:
    """A `RemoteFolder` that can be observed. A dry run does nothing else with it."""

    def observe(self, since: RemoteMark | None) -> Sight:  # noqa: ARG002 -- the protocol's
        """See nothing in it."""
        return Sight(RemoteMark(0, b"", b""), (), is_whole=True)

    def has_committed(self, mark: RemoteMark) -> bool:  # noqa: ARG002 -- the protocol's
        """Say that nobody has."""
        return False

    def past_digests(self) -> frozenset[bytes]:
        """Give none."""
        return frozenset()

    def upload(self, files: Iterable[Upload]) -> Iterator[Uploaded]:  # noqa: ARG002 -- the protocol's
        """Refuse."""
        raise _not_there()

    def fetch(self, files: Iterable[Download]) -> Iterator[Downloaded]:  # noqa: ARG002 -- the protocol's
        """Refuse."""
        raise _not_there()

    def commit(
        self,
        base: RemoteMark,  # noqa: ARG002 -- the protocol's
        edits: Sequence[Edit],  # noqa: ARG002 -- the protocol's
        observed: TreeView,  # noqa: ARG002 -- the protocol's
        about_to: Callable[[RemoteMark], None],  # noqa: ARG002 -- the protocol's
    ) -> RemoteMark:
        """Refuse."""
        raise _not_there()


def _not_there() -> BugError:
    return BugError("a dry run reached for the volume")
