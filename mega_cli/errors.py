"""The tree of errors a user can meet: each class owns its exit code, each instance its sentence and its hint.

Edges translate foreign exceptions into these; `mega_cli.main` is the one place that prints them.
`docs/exit-codes.md` lists the classes, and a test keeps the two in step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class MegaError(Exception):
    """Something failed, and here is what to do about it."""

    exit_code: ClassVar[int] = 1
    name: ClassVar[str] = "failed"

    def __init__(self, message: str, hint: str = "", details: Mapping[str, object] | None = None) -> None:
        """Keep one clear sentence, a hint that works when pasted, and facts for `--json`; no secret in any of them."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = dict(details or {})


class UsageError(MegaError):
    """The command was called wrongly."""

    exit_code = 2
    name = "usage"


class SomeItemsFailedError(MegaError):
    """The run finished, some items failed, and each of them was listed."""

    exit_code = 3
    name = "some_items_failed"


class MissingItemError(MegaError):
    """A file, folder, snapshot or link was not found."""

    exit_code = 4
    name = "not_found"


class TemporaryError(MegaError):
    """The network or the server failed in a way that may pass."""

    exit_code = 5
    name = "temporary"


class HeadMovedError(TemporaryError):
    """Another device committed first; the change must be applied again to the present head."""

    name = "head_moved"

    def __init__(self, head: bytes) -> None:
        """Keep the head record the server showed: unverified bytes."""
        super().__init__(
            "another device changed the volume at the same moment, again and again",
            "run the same command again",
        )
        self.head = head


class MissingBlobsError(TemporaryError):
    """The server lacks blobs that a commit needs."""

    name = "missing_blobs"

    def __init__(self, missing: frozenset[bytes]) -> None:
        """Keep the ids that must be uploaded again."""
        super().__init__(
            f"the server no longer stores {len(missing)} blobs that this change needs", "run the same command again"
        )
        self.missing = missing


class WaitsForUserError(MegaError):
    """Something waits for the user's decision."""

    exit_code = 6
    name = "waits_for_user"


class SafetyStopError(MegaError):
    """Going on could lose something, so nothing was done."""

    exit_code = 7
    name = "safety_stop"


class LimitError(MegaError):
    """A quota or a size limit was reached."""

    exit_code = 8
    name = "limit"


class NothingToDoError(MegaError):
    """Nothing changed, and `--fail-if-unchanged` was given."""

    exit_code = 9
    name = "unchanged"


class NotInitialisedError(MegaError):
    """There is no such server or account yet."""

    exit_code = 10
    name = "not_initialised"


class LockedError(MegaError):
    """Another run is active."""

    exit_code = 11
    name = "locked"


class NotLoggedInError(MegaError):
    """Wrong password, not logged in, or the session has ended."""

    exit_code = 12
    name = "not_logged_in"


class PermissionRefusedError(MegaError):
    """The system or the server does not permit this."""

    exit_code = 13
    name = "permission_denied"


class IntegrityError(MegaError):
    """Data is corrupt or was tampered with. Never retried, never swallowed."""

    exit_code = 14
    name = "integrity"

    def __init__(self, hint: str = "") -> None:
        """Say the one sentence all such failures share, so that no difference between them can be observed."""
        super().__init__(
            "the server sent data that is corrupt or was tampered with",
            hint or "nothing was changed; tell the server's administrator to run: mega-server check --read-data",
        )


class RollbackError(MegaError):
    """The server showed a state that does not descend from the newest one this device has seen."""

    exit_code = 15
    name = "rollback_or_fork"


class UntrustedKeyError(MegaError):
    """A key is not the one that was pinned."""

    exit_code = 16
    name = "untrusted_key"


class PolicyError(MegaError):
    """The server asked for something weaker or newer than this client accepts."""

    exit_code = 17
    name = "policy"


class BugError(MegaError):
    """A bug of ours."""

    exit_code = 70
    name = "bug"


class InterruptedRunError(MegaError):
    """The user stopped the run."""

    exit_code = 130
    name = "interrupted"


def error_with_code(code: int, message: str, hint: str = "") -> MegaError:
    """Make the error that another process of ours met, from what it said of it."""
    kind = next((kind for kind in MegaError.__subclasses__() if kind.exit_code == code), MegaError)
    error = kind.__new__(kind)
    MegaError.__init__(error, message, hint)  # some classes have a sentence of their own
    return error
