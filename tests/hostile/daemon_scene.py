"""A real daemon, another device of the account, and between them a server that lies while its feed goes on shouting."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import msgspec

from mega_cli.account.connection import connect_session
from mega_cli.daemon.status import PairStatus
from mega_cli.paths.remote import RemotePath
from mega_cli.sync.pairs import Pair, open_pairs
from mega_server.protocol import routes
from mega_server.protocol.messages import FeedReply, VolumeInfo
from tests.hostile.conftest import World
from tests.kit.daemons import RunningDaemon
from tests.kit.device import Device
from tests.kit.hostile_server import (
    Answer,
    Call,
    Forward,
    HostileServer,
    instead,
)
from tests.kit.synced import Side

SHOUTS = 4
"""So many questions of the feed, each answered with a newer revision, give a worker time to do what it must not."""
_numbers = count()
_revisions = count(1 << 40)


@dataclass
class Scene:
    """A daemon that syncs a folder, another device of the account, and the server between them."""

    world: World
    daemon: RunningDaemon
    other: Device
    pair: Pair

    @property
    def proxy(self) -> HostileServer:
        """Give the server that lies."""
        return self.world.proxy

    @property
    def folder(self) -> Path:
        """Give the synced folder."""
        return self.daemon.folder

    def tree(self) -> dict[str, str]:
        """Read it."""
        return Side(self.daemon.device, self.folder, "").tree()

    def honest(self) -> None:
        """Have the server tell the truth, but for its feed, which goes on shouting."""
        self.proxy.be_honest()
        volume = self.daemon.device.keys.volume.hex()

        def shout(call: Call, forward: Forward) -> Answer:
            told = VolumeInfo(volume=volume, revision=next(_revisions))
            said = FeedReply(cursor="0a", is_reset=False, changes=[told], rest_s=0.0)
            return instead(msgspec.json.encode(said))(call, forward)

        self.proxy.lie("GET", routes.FEED, shout)

    def head(self) -> bytes:
        """Ask the server behind the proxy for its head."""
        told = replace(self.other.session, server_url=self.world.server.url)
        with closing(connect_session(told)) as client:
            return client.head(self.other.keys.volume)

    def elsewhere(self, *words: str) -> None:
        """Run a command on the other device."""
        ran = self.other.mega(*words)
        assert ran.code == 0, ran.err

    def frozen(self, error: str) -> PairStatus:
        """Wait until the daemon says that it stopped for this."""
        return self.daemon.wait_for(lambda pair: pair.state == "frozen" and pair.error == error)

    def does_nothing(self, error: str, *allowed: str) -> None:
        """Go on editing, and see that nothing but the feed is asked, nothing is written, and that it stays frozen."""
        self.folder.joinpath("edited.txt").write_text(f"an edit nobody else may see: {next(_numbers)}")
        self.folder.joinpath("made.txt").write_text("made while frozen")
        before = self.tree()
        self.proxy.forget()
        self.daemon.until(lambda: self.proxy.paths.count("GET feed") >= SHOUTS)
        assert set(self.proxy.paths) <= {"GET feed", *allowed}
        assert self.tree() == before
        assert self.frozen(error).error == error

    def paste(self, *said: str, words: tuple[str, ...] = ()) -> None:
        """Run what the hint says, with some words more, beside the daemon."""
        assert " ".join(("mega", *said)) in self.frozen_hint
        ran = self.daemon.device.mega(*said, *words)
        assert ran.code == 0, ran.err

    @property
    def frozen_hint(self) -> str:
        """Give the hint that is shown now."""
        return self.daemon.wait_for(lambda pair: pair.state == "frozen").hint

    def resume(self) -> None:
        """Say that the folder is to go on."""
        self.paste("syncs", "resume", self.pair.id)

    def resume_if_frozen(self) -> None:
        """Let it go on, whether or not it saw how the server contradicts itself."""
        assert self.daemon.device.mega("syncs", "resume", self.pair.id).code == 0


def add_pair(device: Device, folder: Path, remote: str) -> Pair:
    """Have a device's daemon sync a folder."""
    pairs = open_pairs(device.state)
    return pairs.set_background(pairs.add(folder, RemotePath.parse(remote), None, 0), is_background=True)
