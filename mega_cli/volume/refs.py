"""Refs by id, for asking a server: one id has one key, one kind and one length. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from mega_cli.errors import IntegrityError
from mega_cli.model import BlobId, Ref


def by_id(refs: Iterable[Ref]) -> dict[BlobId, Ref]:
    """Key refs by their ids. Raises IntegrityError for two that share an id and are not equal."""
    found: dict[BlobId, Ref] = {}
    for ref in refs:
        first = found.setdefault(ref.id, ref)
        if first is not ref and first != ref:
            raise IntegrityError
    return found
