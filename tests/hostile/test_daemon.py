"""A real daemon before a server that lies: what it stops, what it says, and what alone lets it go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from mega_cli.daemon import client
from mega_cli.formats.root_record import record_header
from tests.hostile.conftest import World
from tests.hostile.daemon_scene import SHOUTS, Scene, add_pair
from tests.kit import forge
from tests.kit.daemons import RunningDaemon
from tests.kit.device import Device
from tests.kit.hostile_server import (
    Lie,
    instead,
    on_body,
    on_frames,
    refusal,
)
from tests.kit.signals import GO_ON, STOP
from tests.kit.synced import MANY
from tests.kit.volume_forge import record_after

HEAD, BLOBS = "/head$", "/blobs"
PAGE_MOST_BYTES = 20_000
"""Longer than any page here, shorter than the content of each of these files."""
LARGE = {f"large-{n}": forge.fixed(f"large {n}", 40_000).hex() for n in range(6)}
FEW = 12
"""Requests of one daemon and the next before each of them stops."""
_numbers = count()


@pytest.fixture
def scene(world: World, device: Device, tmp_path: Path) -> Iterator[Scene]:
    """Run a daemon whose folder has two files, all up to date."""
    other = device.copy(tmp_path / "other")
    folder, name = tmp_path / "folder", f"/daemon-{next(_numbers)}"
    folder.mkdir()
    for file in ("edited.txt", "kept.txt"):
        (folder / file).write_text(f"{file}, as it was at first")
    pair = add_pair(device, folder, name)
    made = Scene(world, RunningDaemon(device, folder), other, pair)
    made.honest()
    with made.daemon:
        made.daemon.settle()
        yield made
        world.proxy.be_honest()


def goes_on(scene: Scene) -> None:
    """Both sides hold what people did meanwhile, and nothing was deleted."""
    tree = scene.tree()
    scene.daemon.until(lambda: listed(scene) == set(tree))
    scene.daemon.settle()
    assert scene.tree() == tree
    assert {"edited.txt", "kept.txt", "made.txt"} <= tree.keys()


def listed(scene: Scene) -> set[str]:
    """Name what the volume holds, as another device reads it."""
    ran = scene.other.mega("ls", str(scene.pair.remote))
    return {line.split()[-1] for line in ran.out.decode().splitlines() if line}


# --- histories --------------------------------------------------------------------------------------------------------


@pytest.mark.attack("T20")
def test_a_rollback_stops_the_daemon_until_the_user_accepts_it(scene: Scene) -> None:
    """Not even an honest server, a restart or an edit lets it go on; `mega syncs resume` does, and loses nothing."""
    old = scene.head()
    scene.folder.joinpath("newer.txt").write_text("what the old head does not have")
    scene.daemon.until(lambda: scene.head() != old)
    scene.daemon.settle()
    scene.proxy.lie("GET", HEAD, instead(old))

    assert "does not descend" in scene.frozen("rollback_or_fork").message
    scene.does_nothing("rollback_or_fork")
    assert "mega trust accept" in scene.frozen_hint
    scene.daemon.stop()
    scene.daemon.start()
    scene.frozen("rollback_or_fork")
    scene.does_nothing("rollback_or_fork")
    scene.honest()
    scene.does_nothing("rollback_or_fork")
    scene.resume()

    goes_on(scene)


@pytest.mark.attack("T20")
def test_an_accepted_rollback_loses_nothing(scene: Scene) -> None:
    """`mega trust accept`, as the hint says: both sides are joined, what the old head had not goes up again."""
    old = scene.head()
    scene.folder.joinpath("newer.txt").write_text("what the old head does not have")
    scene.daemon.until(lambda: scene.head() != old)
    scene.daemon.settle()
    shown = record_header(old).revision
    scene.proxy.lie("GET", HEAD, instead(old))
    scene.frozen("rollback_or_fork")
    scene.does_nothing("rollback_or_fork")

    scene.proxy.forget()
    scene.paste("trust", "accept", words=("--to", str(shown), "--yes"))
    scene.daemon.until(lambda: "POST packs" in scene.proxy.paths)  # what the old head has not is sent again
    scene.honest()
    scene.resume_if_frozen()

    told = scene.daemon.wait_for(lambda pair: pair.state == "attention" and pair.conflicts == 1)
    assert told.hint == "mega conflicts"  # what both sides agreed on is forgotten: both versions of the edit are kept
    assert listed(scene) >= {"newer.txt", "made.txt", "kept.txt", "edited.txt"}
    texts = scene.tree().values()
    assert "edited.txt, as it was at first" in texts
    assert any(text.startswith("an edit nobody else may see") for text in texts)


@pytest.mark.attack("T21")
def test_a_fork_stops_the_daemon(scene: Scene) -> None:
    """The other branch, rightly signed, is neither read nor written on."""
    with scene.other.volume() as session:
        head = session.head()
        assert head.body.root is not None
        fork = record_after(session, head, head.body.root)
    before = scene.head()
    scene.folder.joinpath("newer.txt").write_text("the real branch goes on")
    scene.daemon.until(lambda: scene.head() != before)
    scene.daemon.settle()
    scene.proxy.lie("GET", HEAD, instead(fork))

    scene.frozen("rollback_or_fork")

    scene.does_nothing("rollback_or_fork")
    scene.honest()
    scene.resume()
    goes_on(scene)


@pytest.mark.attack("T22")
def test_a_withheld_head_hides_and_nothing_more(scene: Scene) -> None:
    """A daemon that is shown the head it knows keeps what it has, and does not commit over what it was not shown."""
    frozen = scene.head()
    scene.daemon.send(STOP)
    scene.elsewhere("mkdir", f"/not-shown-{next(_numbers)}")
    newer = scene.head()
    scene.proxy.lie("GET", HEAD, instead(frozen))
    scene.daemon.send(GO_ON)
    scene.proxy.forget()
    scene.folder.joinpath("made.txt").write_text("made over a head that is the newest no more")

    scene.daemon.until(lambda: "POST commits" in scene.proxy.paths)

    assert scene.head() == newer
    scene.honest()
    scene.resume_if_frozen()
    goes_on(scene)
    assert record_header(scene.head()).revision > record_header(newer).revision


@pytest.mark.attack("T23")
def test_a_chain_with_a_gap_stops_the_daemon(scene: Scene) -> None:
    """What lies between the pin and the head is not shown: nothing of the head is believed."""
    scene.daemon.send(STOP)
    for _ in range(3):
        scene.elsewhere("mkdir", f"/gap-{next(_numbers)}")
    scene.proxy.lie("GET", "/records", on_body(lambda _raw: b""))
    scene.daemon.send(GO_ON)

    scene.frozen("rollback_or_fork")

    scene.does_nothing("rollback_or_fork")
    scene.honest()
    scene.resume()
    goes_on(scene)


@pytest.mark.parametrize(
    ("lie", "error"),
    [
        pytest.param(refusal("not_found", 404), "rollback_or_fork", marks=pytest.mark.attack("T13"), id="404"),
        pytest.param(instead(b""), "integrity", marks=pytest.mark.attack("T13"), id="empty"),
        pytest.param(on_body(lambda raw: forge.flipped(raw, 700)), "integrity", id="changed"),
    ],
)
@pytest.mark.attack("T13")
def test_an_account_that_seems_empty_stops_the_daemon(scene: Scene, lie: Lie, error: str) -> None:
    """No root, an empty one or a changed one deletes nothing here and uploads nothing there."""
    scene.proxy.lie("GET", HEAD, lie)

    scene.frozen(error)

    scene.does_nothing(error)
    scene.honest()
    scene.does_nothing(error)
    scene.resume()
    goes_on(scene)


@pytest.mark.attack("T24")
def test_another_accounts_head_stops_the_daemon(scene: Scene, bob: Device) -> None:
    """Bob's head, served to Alice's daemon."""
    with bob.volume() as session:
        foreign = session.client.head(session.keys.volume)
    scene.honest()
    scene.proxy.lie("GET", HEAD, instead(foreign))

    scene.frozen("integrity")

    scene.does_nothing("integrity")


# --- commits, content, the session ------------------------------------------------------------------------------------


@pytest.mark.attack("T25")
def test_a_commit_that_was_dropped_is_made_again(scene: Scene) -> None:
    """The server says it committed, twice, and did not: the daemon does not call that up to date."""
    scene.proxy.lie("POST", "/commits$", instead(b"", 201), times=2)
    scene.folder.joinpath("made.txt").write_text("acknowledged and dropped")

    scene.daemon.until(lambda: scene.proxy.paths.count("POST commits") >= 3)

    goes_on(scene)


def changed() -> Lie:
    """Flip a bit of every file's content."""
    return on_frames(
        lambda blobs: [forge.flipped(blob, 900) if len(blob) > PAGE_MOST_BYTES else blob for blob in blobs]
    )


def exchanged() -> Lie:
    """Give the content of the file before, or of the first one: rightly sealed, and another than was asked for."""
    seen: list[bytes] = []

    def swap(blobs: list[bytes]) -> list[bytes]:
        given = []
        for blob in blobs:
            is_content = len(blob) > PAGE_MOST_BYTES
            given.append(seen[-1] if is_content and seen else blob)
            if is_content:
                seen.append(blob)
        return given

    return on_frames(swap)


def flip_all() -> Lie:
    """Flip a bit of everything, pages too."""
    return on_frames(lambda blobs: [forge.flipped(blob, len(blob) // 2) for blob in blobs])


@pytest.mark.parametrize("how", [changed, exchanged, flip_all], ids=["changed", "exchanged", "pages"])
@pytest.mark.attack("T13")
def test_content_that_does_not_verify_stops_the_daemon(scene: Scene, tmp_path: Path, how: Callable[[], Lie]) -> None:
    """Pages or the content of many files: none of it reaches the disk under its name, and nothing goes up any more."""
    _freeze_by_content(scene, tmp_path, how())

    scene.does_nothing("integrity")
    scene.daemon.stop()
    scene.daemon.start()
    scene.frozen("integrity")
    scene.does_nothing("integrity")
    scene.honest()
    scene.does_nothing("integrity")
    assert not any(name.startswith("large") and text not in LARGE.values() for name, text in scene.tree().items())
    scene.resume()
    scene.daemon.until(lambda: scene.tree().items() >= LARGE.items())
    goes_on(scene)


@pytest.mark.attack("T13")
def test_a_second_pair_of_the_daemon_goes_on(scene: Scene, tmp_path: Path) -> None:
    """Lies about the content of one folder freeze that one: what is done in another reaches the server."""
    (tmp_path / "second").mkdir()
    second = add_pair(scene.daemon.device, tmp_path / "second", f"/second-{next(_numbers)}")
    _freeze_by_content(scene, tmp_path, changed())
    assert client.reload(scene.daemon.device.state)
    (tmp_path / "second" / "fine.txt").write_text("of the second")

    scene.daemon.until(lambda: b"fine.txt" in scene.other.mega("ls", str(second.remote)).out)

    found = client.status(scene.daemon.device.state)
    assert found is not None
    assert {pair.id: pair.state for pair in found.pairs}[scene.pair.id] == "frozen"


@pytest.mark.attack("T05")
def test_sessions_that_are_ended_get_no_login_out_of_a_daemon(scene: Scene) -> None:
    """Told 401 over and over it stops, also after a restart; it asks for no slot and proves no password."""
    scene.proxy.be_honest()
    scene.proxy.forget()
    for method in ("GET", "POST"):
        scene.proxy.lie(method, ".", refusal("unauthorized", 401))
    scene.folder.joinpath("made.txt").write_text("made while signed out")
    assert scene.daemon.device.mega("syncs", "now").code == 0
    assert "mega login" in scene.frozen("not_logged_in").hint
    scene.daemon.stop()
    scene.daemon.start()
    scene.frozen("not_logged_in")

    assert len(scene.proxy.paths) <= FEW
    assert set(scene.proxy.paths) <= {"GET feed", "GET head"}
    scene.honest()
    scene.resume_if_frozen()
    goes_on(scene)


@pytest.mark.attack("T85")
def test_a_root_that_empties_the_tree_is_held(scene: Scene) -> None:
    """From another device, rightly signed: nothing is removed here until the user says so, and no feed hurries it."""
    (scene.folder / "tree").mkdir()
    for number in range(MANY):
        (scene.folder / "tree" / f"{number:02}").write_text(f"a file of many: {number}")
    there = f"{scene.pair.remote}/tree"
    scene.daemon.until(lambda: len(scene.other.mega("ls", there).out.splitlines()) == MANY)
    scene.daemon.settle()
    before = scene.tree()

    scene.elsewhere("rm", "-r", there)

    told = scene.daemon.wait_for(lambda pair: pair.state == "held")
    scene.proxy.forget()
    scene.daemon.until(lambda: scene.proxy.paths.count("GET feed") >= SHOUTS)
    assert (told.held, told.hint) == (MANY, "mega held")
    assert scene.tree() == before
    assert "POST commits" not in scene.proxy.paths


def _freeze_by_content(scene: Scene, tmp_path: Path, lie: Lie) -> None:
    """Have another device put files into the synced folder, and the server lie about their content."""
    for name, text in LARGE.items():
        (tmp_path / name).write_text(text)
    scene.daemon.send(STOP)
    scene.elsewhere("put", *(str(tmp_path / name) for name in LARGE), str(scene.pair.remote))
    scene.proxy.lie("POST", BLOBS, lie)
    scene.daemon.send(GO_ON)
    scene.frozen("integrity")
