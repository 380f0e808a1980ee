"""Magic bytes: three that name a layout and one that names its version. There is no negotiation inside a version."""

from __future__ import annotations

from mega_cli.errors import IntegrityError, PolicyError


def check_magic(raw: bytes, magic: bytes) -> None:
    """Require that `raw` begins with `magic`. Raises IntegrityError; PolicyError for another version."""
    if raw[:3] != magic[:3]:
        raise IntegrityError
    if raw[3:4] != magic[3:4]:
        raise newer_version()


def newer_version() -> PolicyError:
    """Say that this client is too old to read what it was given."""
    return PolicyError("this was written by a newer version of mega", "update mega")
