"""Tests of the labels."""

from __future__ import annotations

from mega_cli.crypto import labels
from mega_cli.crypto.kdf import label16
from mega_server.protocol.proof import LOGIN_CONTEXT
from mega_server.protocol.record_header import ROOT_SIGNATURE_CONTEXT


def test_labels_are_unique_short_ascii() -> None:
    """Two purposes never share a key, and none is cut."""
    assert len(set(labels.ALL)) == len(labels.ALL)
    assert all(label.isascii() and 0 < len(label) <= 16 for label in labels.ALL)


def test_the_list_holds_every_constant() -> None:
    """A label outside the list would escape the check of uniqueness."""
    constants = {value for value in vars(labels).values() if isinstance(value, bytes)}

    assert constants == set(labels.ALL)


def test_client_and_server_sign_the_same_contexts() -> None:
    """The contexts that both sides write out are equal."""
    assert label16(labels.SIGN_ROOT) == ROOT_SIGNATURE_CONTEXT
    assert label16(labels.SIGN_LOGIN) == LOGIN_CONTEXT
