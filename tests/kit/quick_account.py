"""An account without a password: real keys, a real volume, and a session, made in a millisecond through the API."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from flask.testing import FlaskClient

from mega_cli.api.client import ServerClient
from mega_cli.crypto.content import chunk_index_key
from mega_cli.crypto.keys import MasterKeys
from mega_cli.formats.root_record import NO_PREV, RootBody, seal_root_record
from mega_cli.model import Secret
from mega_cli.state.index import ContentIndex
from mega_cli.state.pages import PageCache
from mega_cli.state.trust import TrustStore
from mega_cli.system.clock import SystemClock
from mega_cli.volume.session import Device, Owner, VolumeSession
from tests.kit.account import FakeAccount


@dataclass(frozen=True)
class QuickAccount:
    """Who can open a volume: the keys, and a token of the server's."""

    name: str
    master: MasterKeys = field(repr=False)
    token: Secret

    def volume(self, client: ServerClient, folder: Path) -> VolumeSession:
        """Open the volume on a device of its own, whose state lies in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        return VolumeSession(
            client=client,
            keys=self.master.volume_keys(),
            trust=TrustStore(folder / "trust.db"),
            pages=PageCache(folder / "pages.db"),
            index=ContentIndex(folder / "index.db"),
            device=Device(os.urandom(16), SystemClock().now_ms),
            owner=Owner("http://localhost", self.name),
            index_key=chunk_index_key(self.master.local_key),
        )


def make_account(web: FlaskClient, name: str) -> QuickAccount:
    """Sign up and log in."""
    master = MasterKeys(Secret(os.urandom(32)), 1)
    keys = master.volume_keys()
    body = RootBody(None, SystemClock().now_ms(), os.urandom(16), 1, os.urandom(16))
    record = seal_root_record(keys, 1, NO_PREV, body)
    account = FakeAccount(web, name=name, volume=bytes(keys.volume), head=record).enter()
    return QuickAccount(name, master, Secret(account.token.encode()))
