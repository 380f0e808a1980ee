"""Certificates of an authority made for one test: PEM files as an administrator has them, and renewed ones."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import trustme


@dataclass
class Certificates:
    """An authority that devices are told to trust, and the files of a server's certificate."""

    folder: Path
    authority: trustme.CA = field(default_factory=trustme.CA)

    def __post_init__(self) -> None:
        """Write the authority and a first certificate."""
        self.authority.cert_pem.write_to_path(self.ca)
        self.renew()

    @property
    def ca(self) -> Path:
        """The authority's certificate."""
        return self.folder / "ca.pem"

    @property
    def cert(self) -> Path:
        """The server's certificate and its chain."""
        return self.folder / "cert.pem"

    @property
    def key(self) -> Path:
        """Its key."""
        return self.folder / "key.pem"

    @property
    def options(self) -> tuple[str, ...]:
        """What `mega-server serve` is given."""
        return ("--tls-cert", str(self.cert), "--tls-key", str(self.key))

    def renew(self, *, is_key_kept: bool = False) -> None:
        """Put a new certificate, and its key unless that is forgotten, where the old ones lie."""
        issued = self.authority.issue_cert("localhost", "127.0.0.1")
        chain = b"".join(part.bytes() for part in issued.cert_chain_pems)
        self._put(self.cert, chain)
        if not is_key_kept:
            self._put(self.key, issued.private_key_pem.bytes())

    @staticmethod
    def _put(place: Path, content: bytes) -> None:
        fresh = place.with_suffix(".new")
        fresh.write_bytes(content)
        os.replace(fresh, place)  # noqa: PTH105 -- as certbot does
