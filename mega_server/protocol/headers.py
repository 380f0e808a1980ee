"""The names of the headers both sides use, and the media types."""

from __future__ import annotations

VERSION = "X-Mega-Version"
"""Sent both ways: the protocol's major version, as a decimal number."""
PROOF = "X-Mega-Proof"
"""base64url (no padding) of server_nonce32, client_nonce32 and the Ed25519 signature of 64 bytes: see `proof.py`."""
LINK_SCHEME = "MegaLink"
"""`Authorization: MegaLink <auth> <token>`, base64url of 32 bytes each: a link's proof, and the visitor's own token."""
JSON = "application/json"
OCTETS = "application/octet-stream"
