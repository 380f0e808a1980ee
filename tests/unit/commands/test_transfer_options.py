"""The options that put and get share: what they ask of the services, and how a run with --delete is told."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mega_cli.output.tally import Tally
from mega_cli.volume.requests import GetOptions, MostDeleted, PutOptions, PutSummary
from tests.unit.commands.conftest import FakeVolume, Run

PUT = PutSummary(new=1, changed=0, unchanged=0, folders=0, content_bytes=1, sent_bytes=1, problems=(), revision=2)


@pytest.fixture
def asked(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> FakeVolume:
    """Have `put` and `get` note their options."""

    def note(*words: object) -> PutSummary:
        volume.calls.append(words)
        return PUT

    monkeypatch.setattr("mega_cli.commands.put.put", note)
    monkeypatch.setattr("mega_cli.commands.get.get", note)
    return volume


@pytest.mark.parametrize(
    ("words", "deletes"),
    [
        ((), None),
        (("--max-delete", "3"), None),
        (("--delete",), MostDeleted(percent=50)),
        (("--delete", "--max-delete", "3"), MostDeleted(count=3)),
        (("--delete", "--max-delete", "10%"), MostDeleted(percent=10)),
    ],
)
@pytest.mark.parametrize("command", ["put", "get"])
def test_deletion_is_asked_for(
    command: str, words: tuple[str, ...], deletes: MostDeleted | None, asked: FakeVolume, run: Run
) -> None:
    """--max-delete alone deletes nothing; --delete alone at most half."""
    run(command, *words, "a")

    options = asked.calls[0][3]
    assert isinstance(options, PutOptions | GetOptions)
    assert options.deletes == deletes


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("most", ["x", "-1", "101%", "5 %", ""])
def test_a_limit_of_deletions_that_means_nothing_is_wrong_usage(run: Run, most: str) -> None:
    """Exit 2, before anything is fetched."""
    assert run("get", "--delete", f"--max-delete={most}", "/a").code == 2


@pytest.mark.usefixtures("volume")
def test_a_safety_stop_is_exit_code_seven(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the summary, with a way to look and a way to go on."""
    stopped = dataclasses.replace(PUT, safety_stop="a source is empty; nothing was deleted")
    monkeypatch.setattr("mega_cli.commands.put.put", lambda *_: stopped)

    ran = run("put", "--delete", "a")

    assert (ran.code, "1 new" in ran.out) == (7, True)
    assert "nothing was deleted; everything else was done" in ran.err


@pytest.mark.usefixtures("volume")
def test_what_was_deleted_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also without `-v`, and for programs as a `verbose` line."""

    def put(*words: object) -> PutSummary:
        progress = words[-1]
        assert isinstance(progress, Tally)
        progress.file_done("/new", "new")
        progress.file_done("/old", "deleted")
        return dataclasses.replace(PUT, deleted=1)

    monkeypatch.setattr("mega_cli.commands.put.put", put)

    ran, for_programs = run("put", "--delete", "a"), run("put", "--delete", "--json", "a")

    assert ran.err == "deleted   /old\n"
    assert ", 1 deleted;" in ran.out
    assert for_programs.documents[0] == {"message_type": "verbose", "action": "deleted", "item": "/old"}


@pytest.mark.parametrize(("words", "transfers"), [((), 3), (("--transfers", "16"), 16)])
def test_transfers_are_chosen(asked: FakeVolume, run: Run, words: tuple[str, ...], transfers: int) -> None:
    """Three by default."""
    run("put", *words, "a")

    options = asked.calls[0][3]
    assert isinstance(options, PutOptions)
    assert options.transfers == transfers


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    "words", [("--transfers", "0"), ("--transfers", "17"), ("--bwlimit", "512"), ("--bwlimit", "x")]
)
def test_bounds_are_kept(run: Run, words: tuple[str, ...]) -> None:
    """From 1 to 16 threads; a rate with a unit."""
    assert run("put", *words, "a").code == 2


def test_a_limit_for_all_commands_comes_from_the_environment(
    asked: FakeVolume, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MEGA_BWLIMIT is read as the option is, and MEGA_PUT_BWLIMIT before it."""
    monkeypatch.setenv("MEGA_BWLIMIT", "nonsense")
    assert run("put", "a").code == 2

    monkeypatch.setenv("MEGA_PUT_BWLIMIT", "1M")
    assert run("put", "a").code == 0
    assert len(asked.calls) == 1


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Make a profile, as a login does."""
    folder = tmp_path / "home/accounts/alice@h"
    folder.mkdir(parents=True)
    (folder.parent / "current").write_text("alice@h\n")
    return folder


@pytest.mark.usefixtures("profile")
def test_a_limit_is_set_shown_and_taken_away(run: Run) -> None:
    """What is set is shown with what it means now."""
    assert run("bwlimit").out == "not set: each run keeps to its own --bwlimit\n"
    assert run("bwlimit", "1M:off").out == "1M:off (now 1M up, off down)\n"
    assert run("bwlimit", "--json").document == {
        "limit": "1M:off",
        "up_bytes_per_s": 1 << 20,
        "down_bytes_per_s": None,
    }
    assert run("bwlimit", "--reset").out == "not set: each run keeps to its own --bwlimit\n"


def test_a_limit_that_means_nothing_is_not_set(run: Run, profile: Path) -> None:
    """Exit 2, and the one that holds stays."""
    run("bwlimit", "1M")

    assert run("bwlimit", "fast").code == 2
    assert run("bwlimit", "1M", "--reset").code == 2
    assert (profile / "bwlimit").read_text() == "1M\n"


def test_a_file_edited_into_nonsense_is_told(run: Run, profile: Path) -> None:
    """`mega bwlimit` says so; transfers go on at their own limit."""
    (profile / "bwlimit").write_text("fast\n")

    assert run("bwlimit").code == 2
    assert run("bwlimit", "--reset").code == 0


def test_a_limit_needs_an_account(run: Run) -> None:
    """It belongs to a profile."""
    assert run("bwlimit", "1M").code == 10
