"""The recorder of seals (I5) sees what product code seals, here and in other processes, and finds a reuse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mega_cli.formats.object import Sealer
from tests.kit import forge, recorder
from tests.kit.device import Device


@pytest.mark.attack("T36")
def test_a_key_that_meets_two_messages_is_found(tmp_path: Path) -> None:
    """The same message again is fine; another message, or other associated data, is a reuse."""
    notes = recorder.Recorder(tmp_path)
    notes.note_seal(b"k" * 32, b"n" * 24, b"", b"one")
    notes.note_seal(b"k" * 32, b"n" * 24, b"", b"one")
    notes.note_seal(b"k" * 32, b"m" * 24, b"", b"two")
    assert recorder.reused_keys(tmp_path) == 0

    recorder.Recorder(tmp_path).note_seal(b"k" * 32, b"n" * 24, b"", b"two")
    assert recorder.reused_keys(tmp_path) == 1
    notes.note_seal(b"k" * 32, b"m" * 24, b"aad", b"two")
    assert recorder.reused_keys(tmp_path) == 2


@pytest.mark.attack("T36")
def test_every_seal_of_this_process_is_recorded(recorded: Path) -> None:
    """One object, one more seal."""
    before = _seals(recorded)
    Sealer(forge.KEYS).seal_data(os.urandom(600))

    assert _seals(recorded) == before + 1


@pytest.mark.attack("T36")
def test_seals_of_two_clones_of_one_device_are_recorded_and_differ(
    recorded: Path, device: Device, tmp_path: Path
) -> None:
    """Two real processes on copies of one home write different data at once; no (key, nonce) meets two messages."""
    before = _seals(recorded)
    clones = [device.copy(tmp_path / name) for name in ("one", "two")]
    running = []
    for n, clone in enumerate(clones):
        source = tmp_path / f"source-{n}"
        source.write_bytes(forge.fixed(f"clone {n}", 70_000))
        running.append(clone.start("put", str(source), f"/clone-{os.getpid()}-{n}"))
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err

    assert _seals(recorded) >= before + 4
    assert recorder.reused_keys(recorded) == 0


def test_a_trace_of_a_secret_is_found_wherever_it_lies(tmp_path: Path) -> None:
    """A leak of 31 bytes or more, raw at any offset or in hexadecimal."""
    secret = forge.fixed("secret")
    recorder.Recorder(tmp_path).note_secret(secret)
    pieces = recorder.traces(tmp_path)
    for offset in range(40):
        assert recorder.leaked_pieces(pieces, os.urandom(offset) + secret + os.urandom(50))
    assert recorder.leaked_pieces(pieces, b'"' + secret.hex().encode() + b'"')
    assert not recorder.leaked_pieces(pieces, os.urandom(100_000))


def _seals(folder: Path) -> int:
    """Count the seals recorded so far."""
    return sum(file.stat().st_size for file in folder.glob("*.seals")) // 32
