"""An account of a live server that puts files and makes links to them, right ones and wrong ones.

Everything but the wire is the product's own: `put` uploads, the formats seal. The account is made in this process, on
the folder that the server serves, because a password would cost half a second and prove nothing here.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import httpx
import msgspec

from mega_cli.api.client import ServerClient
from mega_cli.api.transport import HttpTransport
from mega_cli.crypto.links import link_keys, link_pin, with_password
from mega_cli.crypto.signing import public_key
from mega_cli.formats.link import LinkRecord, LinkUrl, seal_link_record
from mega_cli.formats.page import Entry
from mega_cli.model import Secret
from mega_cli.paths.remote import RemotePath
from mega_cli.volume.commit import open_tree
from mega_cli.volume.progress import SilentProgress
from mega_cli.volume.put import put
from mega_cli.volume.requests import PutOptions
from mega_cli.volume.session import VolumeSession
from mega_cli.volume.tree import FILES
from mega_server.config import Storage
from mega_server.protocol import routes
from mega_server.protocol.messages import LinkInfo, LinkList, LinkRequest, LinkUpdate
from tests.kit.quick_account import QuickAccount, make_account
from tests.kit.server import LiveServer, backend_of, make_app


@dataclass(frozen=True)
class MadeLink:
    """A link, and what its maker knows of it."""

    url: LinkUrl
    record: bytes
    record_key: bytes = field(repr=False)
    auth: bytes = field(repr=False)
    seed: bytes = field(repr=False)
    named: LinkRecord

    def text(self, base: str = "") -> str:
        """Write the URL, of another host if one is given."""
        return replace(self.url, base=base or self.url.base).text()

    @property
    def secrets(self) -> dict[str, bytes]:
        """What no server may see; `auth` is for the server alone, in a header."""
        return {"the secret of a link": self.url.secret.reveal(), "the record's key": self.record_key}

    def sealed(self, named: LinkRecord, *, seed: bytes | None = None, link_id: bytes | None = None) -> bytes:
        """Seal another record under this link's key, signed by its own key or another."""
        return seal_link_record(self.record_key, link_id or self.url.link_id, seed or self.seed, named)


@dataclass
class Sharer:
    """One account of a live server. A context manager."""

    server: LiveServer
    account: QuickAccount
    session: VolumeSession

    def put(self, *sources: Path) -> None:
        """Store files and folders under `/`."""
        done = put(
            self.session, [str(source) for source in sources], RemotePath.parse("/"), PutOptions(), SilentProgress()
        )
        assert not done.problems, done.problems

    def entry(self, path: str) -> Entry:
        """Read the entry of a path."""
        tree = open_tree(self.session, self.session.head())
        found = tree.entry((FILES, *path.strip("/").split("/")))
        assert found is not None, path
        return found

    def link(self, path: str, *, password: str = "", expires_ms: int = 0, most_opened: int = 0) -> MadeLink:
        """Share a path."""
        link_id, secret = os.urandom(16), Secret(os.urandom(32))
        opener = with_password(secret, link_id, Secret(password.encode())) if password else secret
        keys, seed = link_keys(opener, link_id), self.session.keys.link_seed(link_id)
        named = LinkRecord(self.session.head().revision, expires_ms, self.entry(path))
        record = seal_link_record(keys.record, link_id, seed, named)
        url = LinkUrl(self.server.url, link_id, secret, link_pin(public_key(seed)), has_password=bool(password))
        made = MadeLink(url, record, keys.record, keys.auth, seed, named)
        message = LinkRequest(
            link=link_id,
            auth_hash=hashlib.sha256(keys.auth).digest(),
            volume=bytes(self.session.keys.volume),
            seq=named.seq,
            expires_ms=expires_ms,
            most_opened=most_opened,
            record=record,
        )
        assert self._send("POST", routes.LINKS, message).status_code == 201
        return made

    def update(self, link: MadeLink, **changes: object) -> None:
        """Change a link in place."""
        kept = LinkUpdate(seq=self.info(link).seq + 1, expires_ms=0, most_opened=0, record=b"")
        path = routes.path(routes.LINK, link=link.url.link_id.hex())
        assert self._send("PUT", path, msgspec.structs.replace(kept, **changes)).status_code == 204

    def revoke(self, link: MadeLink) -> None:
        """End a link."""
        assert self._send("DELETE", routes.path(routes.LINK, link=link.url.link_id.hex())).status_code == 204

    def info(self, link: MadeLink) -> LinkInfo:
        """Read what the server counts."""
        found = msgspec.json.decode(self._send("GET", routes.LINKS).content, type=LinkList).links
        return next(info for info in found if info.link == link.url.link_id)

    def _send(self, method: str, path: str, message: msgspec.Struct | None = None) -> httpx.Response:
        body = b"" if message is None else msgspec.json.encode(message)
        bearer = {"Authorization": f"Bearer {self.account.token.reveal().decode()}"}
        return httpx.request(method, self.server.url + path, content=body, headers=bearer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the device's files."""
        self.session.close()


def make_sharer_account(folder: Path, name: str = "alice") -> QuickAccount:
    """Make an account in `folder`/server, before or while a server serves it."""
    app = make_app(folder, storage=Storage.FILESYSTEM, quota_bytes=4 << 30)
    try:
        return make_account(app.test_client(), name)
    finally:
        backend_of(app).close()


def open_sharer(server: LiveServer, account: QuickAccount, folder: Path) -> Sharer:
    """Open the account's volume on a device of its own, whose state lies in `folder`."""
    return Sharer(server, account, account.volume(ServerClient(HttpTransport(server.url), account.token), folder))
