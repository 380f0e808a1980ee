"""Ignore rules in a scan: what is left out is outside every tree, and a change of rules detaches, never deletes."""

from __future__ import annotations

import errno

import pytest

from mega_cli.reconcile.nodes import ROOT
from mega_cli.reconcile.situation import Reason
from mega_cli.sync.settings import Settings
from mega_cli.sync.sighting import Observation
from tests.unit.sync.scanning import SimBench, place, reasons

_RULES = b".megaignore"


def _detach(sim: SimBench, observation: Observation) -> None:
    """Do what a cycle does with what a scan says of exclusions."""
    with sim.bench.state.transaction():
        sim.bench.state.keep_absent(sorted(observation.excluded.items()))


def test_what_rules_leave_out_is_never_seen() -> None:
    """Rules of the top and of a folder below, and the rule files themselves are synced."""
    sim = SimBench()
    sim.user.write((_RULES,), b"*.o\nbuild/\n")
    sim.user.write((b"src", _RULES), b"!keep.o\n/local\n")
    for path in ("a.o", "src/b.o", "src/keep.o", "src/local", "src/deep/local", "build/x", "src/build/y", "z"):
        sim.user.write(place(path), b"1")
    observation = sim.bench.settle()

    assert (observation.stalled, observation.excluded) == ({}, {})
    assert sim.bench.paths() == [
        ".megaignore", "src", "src/.megaignore", "src/deep", "src/deep/local", "src/keep.o", "z"
    ]  # fmt: skip


def test_a_folder_that_is_left_out_is_not_listed() -> None:
    """However much lies in it, and whatever is wrong with it."""
    sim = SimBench()
    sim.user.write((_RULES,), b"node_modules/\n")
    sim.user.write(place("node_modules/a/b"), b"1")
    sim.user.make_pipe(place("node_modules/pipe"))
    sim.disk.refuse(errno.EIO, place("node_modules"), calls=frozenset({"list_folder"}), is_below=True)

    assert sim.bench.settle().stalled == {}


def test_the_lines_of_this_device_decide_last() -> None:
    """They are for this device alone and win over every file."""
    sim = SimBench(ignore_lines=("*.iso", "!small.iso"))
    sim.user.write((_RULES,), b"!*.iso\nsmall.iso\n")
    for path in ("big.iso", "small.iso"):
        sim.user.write(place(path), b"1")
    sim.bench.settle()

    assert sim.bench.paths() == [".megaignore", "small.iso"]


def test_a_change_of_rules_detaches() -> None:
    """What was synced and is left out now is gone for nobody; only roots are named, all rows below go."""
    sim = SimBench()
    for path in ("a/b/1", "a/2", "x.log", "keep"):
        sim.user.write(place(path), b"1")
    sim.bench.settle()
    sim.bench.agree()
    ids = sim.bench.ids()
    sim.user.write((_RULES,), b"/a/\n*.log\n")
    observation = sim.bench.settle()

    assert observation.gone == []
    assert observation.excluded == {ids["a"]: Reason.EXCLUDED, ids["x.log"]: Reason.EXCLUDED}
    assert sim.bench.paths() == [".megaignore", "keep"]
    assert {ids["a/b"], ids["a/b/1"], ids["a/2"]} <= {node.id for node in sim.bench.state.base}


def test_what_was_detached_stays_so_until_the_rules_change() -> None:
    """It is named in every scan; when rules take it in again it is new, and the old node is told apart."""
    sim = SimBench()
    sim.user.write(place("d/x.log"), b"1")
    sim.bench.settle()
    sim.bench.agree()
    old = sim.bench.ids()["d/x.log"]
    sim.user.write((_RULES,), b"*.log\n")
    for _ in range(3):
        observation = sim.bench.settle()
        assert observation.excluded == {old: Reason.EXCLUDED}
        _detach(sim, observation)
    sim.user.remove((_RULES,))
    observation = sim.bench.settle()

    assert (observation.excluded, observation.included) == ({}, [old])
    assert sim.bench.ids()["d/x.log"] != old


def test_a_rule_for_what_is_deleted_in_the_same_moment_detaches() -> None:
    """`echo '*.log' >> .megaignore; rm *.log`: nobody can tell what was meant, so nothing is deleted elsewhere."""
    sim = SimBench()
    sim.user.write(place("x.log"), b"1")
    sim.user.write(place("d/e/y.log"), b"1")
    sim.bench.settle()
    sim.bench.agree()
    ids = sim.bench.ids()
    sim.user.write((_RULES,), b"*.log\n")
    sim.user.remove(place("x.log"))
    sim.user.remove(place("d/e/y.log"))
    observation = sim.bench.settle()

    assert observation.gone == []
    assert set(observation.excluded) == {ids["x.log"], ids["d/e/y.log"]}


def test_a_file_moved_to_a_name_that_is_left_out_is_gone() -> None:
    """The user moved it out of the tree; its old name is no exception."""
    sim = SimBench()
    sim.user.write((_RULES,), b"*.bak\n")
    sim.user.write(place("x"), b"1")
    sim.bench.settle()
    before = sim.bench.ids()["x"]
    sim.user.rename(place("x"), place("x.bak"))

    assert sim.bench.settle().gone == [before]


def test_a_folder_moved_to_where_rules_leave_out_some_of_it() -> None:
    """It is the same folder, and what is left out there is detached."""
    sim = SimBench()
    sim.user.write((b"strict", _RULES), b"*.log\n")
    for name in ("1", "2", "x.log"):
        sim.user.write(place(f"a/{name}"), b"1")
    sim.bench.settle()
    sim.bench.agree()
    ids = sim.bench.ids()
    sim.user.rename(place("a"), place("strict/a"))
    observation = sim.bench.scan()

    assert (observation.gone, observation.stalled) == ([], {})
    assert observation.excluded == {ids["a/x.log"]: Reason.EXCLUDED}
    after = sim.bench.ids()
    assert after["strict/a"] == ids["a"]
    assert "strict/a/x.log" not in after


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"-:*.tmp\n", id="the grammar of MEGA's client"),
        pytest.param(b"\xff\xfe*\x00", id="not UTF-8"),
        pytest.param(b"#" * (1 << 20) + b"##", id="too large"),
        pytest.param(b"[z-a]\n", id="no rule"),
    ],
)
def test_a_rule_file_that_means_nothing_stalls_its_folder(content: bytes) -> None:
    """It is never "no rules": nothing there is uploaded, gone or changed until it is mended."""
    sim = SimBench()
    sim.user.write(place("d/a/1"), b"1")
    sim.user.write(place("e"), b"1")
    sim.bench.settle()
    ids = sim.bench.ids()
    sim.user.write((b"d", _RULES), content)
    sim.user.write(place("d/secret.tmp"), b"1")
    sim.user.remove(place("d/a"))
    sim.user.write(place("e"), b"22")
    observation = sim.bench.settle()

    assert reasons(observation) == {"d": Reason.IGNORE_MALFORMED}
    assert (observation.gone, sim.bench.ids()) == ([], ids)
    assert sim.bench.nodes()["e"].size == len(b"22")
    assert sim.bench.scanner.excludes(("d", "new"), is_folder=False)


@pytest.mark.parametrize("kind", ["unreadable", "link", "folder", "pipe"])
def test_a_rule_file_that_cannot_be_read_stalls_its_folder(kind: str) -> None:
    """A link is not followed: where it leads is not ours to read."""
    sim = SimBench()
    if kind == "unreadable":
        sim.user.write((b"d", _RULES), b"x")
        sim.disk.refuse(errno.EACCES, (b"d", _RULES), calls=frozenset({"open_file"}))
    elif kind == "link":
        sim.user.link((b"d", _RULES), b"/etc/passwd")
    elif kind == "folder":
        sim.user.make_folder((b"d", _RULES))
    else:
        sim.user.make_pipe((b"d", _RULES))

    assert reasons(sim.bench.settle()) == {"d": Reason.IGNORE_MALFORMED}


def test_a_rule_file_of_the_top_that_means_nothing_stalls_everything() -> None:
    """What it would keep out cannot be known."""
    sim = SimBench()
    sim.user.write(place("a"), b"1")
    sim.bench.settle()
    sim.user.write((_RULES,), b"+fpg:x\n")
    sim.user.write(place("a"), b"22")
    observation = sim.bench.settle()

    assert observation.stalled == {ROOT: Reason.IGNORE_MALFORMED}
    assert observation.rows == []


def test_a_rule_file_that_changes_while_it_is_read_is_read_again() -> None:
    """Half of the rules would let in what the other half keeps out."""
    sim = SimBench()
    sim.user.write((b"d", _RULES), b"*.a\n")
    sim.user.write(place("d/x.b"), b"1")
    sim.clock.sleep(10)

    def meddle(name: str, at: tuple[bytes, ...]) -> None:
        if name == "file.readinto" and at[-1] == _RULES:
            sim.disk.on_call = lambda _name, _at: None
            sim.clock.sleep(5)
            sim.user.append((b"d", _RULES), b"*.b\n")

    sim.disk.on_call = meddle
    first = sim.bench.scan()
    assert (reasons(first), first.rows) == ({"d": Reason.FILE_CHANGING}, [])
    sim.bench.settle()
    assert sim.bench.paths() == ["d", "d/.megaignore"]


def test_paths_that_are_not_on_the_disk_can_be_asked_for() -> None:
    """What the volume holds at a path that rules leave out here is not fetched."""
    sim = SimBench(ignore_lines=("node_modules/",))
    sim.user.write((b"src", _RULES), b"*.o\n")
    sim.bench.settle()
    excludes = sim.bench.scanner.excludes

    assert excludes(("src", "new", "a.o"), is_folder=False)
    assert not excludes(("new", "a.o"), is_folder=False)
    assert excludes(("x", "node_modules", "y", "z"), is_folder=False)
    assert not excludes(("node_modules",), is_folder=False)


def test_rules_fold_case_where_the_disk_does() -> None:
    """`*.LOG` leaves out `a.log` on Windows and macOS."""
    for folds in (True, False):
        sim = SimBench(disk=Settings().disk.__class__(folds_case=folds))
        sim.user.write((_RULES,), b"*.LOG\n")
        sim.user.write(place("a.log"), b"1")
        sim.bench.settle()

        assert ("a.log" in sim.bench.paths()) is not folds
