"""The suite-wide recorder: every seal that product code makes, and traces of what must never reach a server.

It is installed in the test process by `tests/conftest.py`, and in every Python process that a test starts by
`tests/kit/shim_site/sitecustomize.py`. Each process appends to files of its own in one folder:

    *.seals    32 bytes a seal: 16 of BLAKE3(key ‖ nonce ‖ length), 16 of BLAKE3(aad ‖ message)
    *.traces   16-byte pieces of secrets, of contents and of their plain hashes, at 16 neighbouring offsets each

so that a killed process loses nothing, and a server's bytes need looking at only every 16 bytes: a leak of 31 bytes or
more contains one aligned piece.
"""

from __future__ import annotations

import hashlib
import importlib.abc
import importlib.machinery
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from blake3 import blake3

FOLDER = "RECORD_SEALS_IN"
"""Names the folder in the environment of processes; without it nothing is recorded."""
SHIM_SITE = Path(__file__).parent / "shim_site"
PIECE_BYTES = 16
SCANNED_BYTES = 16 << 20
"""How much of one server is looked at: database, log and packs in this order."""
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{43}")
_HASHES: Sequence[Callable[[bytes], Any]] = (hashlib.sha256, hashlib.blake2b, blake3)
_LEAST_DISTINCT = 8
"""Fewer different bytes in a piece say nothing: zeros are everywhere."""


class Recorder:
    """Writes seals and traces of this process."""

    def __init__(self, folder: Path) -> None:
        """Open this process's two files."""
        name = f"{os.getpid()}-{os.urandom(4).hex()}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._seals = os.open(folder / f"{name}.seals", flags, 0o600)
        self._traces = os.open(folder / f"{name}.traces", flags, 0o600)

    def note_seal(self, key: bytes, nonce: bytes, aad: bytes, message: bytes) -> None:
        """Append one seal."""
        place = blake3(key + nonce + len(key).to_bytes(1, "big")).digest(16)
        os.write(self._seals, place + blake3(len(aad).to_bytes(8, "big") + aad + message).digest(16))

    def note_secret(self, value: bytes) -> None:
        """Append the pieces of a secret; a session token is meant to be sent."""
        if not _TOKEN.fullmatch(value):
            os.write(self._traces, b"".join(_telling(_pieces(value))))

    def note_content(self, plain: bytes) -> None:
        """Append the pieces of a chunk's beginning, middle and end, and of its hashes."""
        spots = (plain[:31], plain[len(plain) // 2 :][:31], plain[-31:])
        pieces = _telling([piece for spot in spots for piece in _pieces(spot)])
        if pieces:
            pieces += [piece for kind in _HASHES for piece in _pieces(kind(plain).digest())]
        os.write(self._traces, b"".join(pieces))

    def wrap(self, module: ModuleType) -> None:
        """Watch a module that was just loaded, if it is one of those where seals and secrets come to be."""
        if module.__name__ == "mega_cli.crypto.ciphers":
            self._wrap_ciphers(module)
        elif module.__name__ == "mega_cli.model":
            self._wrap_secret(module)
        elif module.__name__ == "mega_cli.formats.object":
            self._wrap_sealer(module)

    def _wrap_ciphers(self, ciphers: ModuleType) -> None:
        box_seal, aead_seal = ciphers.box_seal, ciphers.aead_seal

        def recorded_box_seal(prefix: bytes, message: bytes, key: bytes) -> bytes:
            if _is_product(sys._getframe(1).f_globals):
                self.note_seal(key, ciphers.ZERO_NONCE, b"", message)
            sealed: bytes = box_seal(prefix, message, key)
            return sealed

        def recorded_aead_seal(plaintext: bytes, aad: bytes, nonce: bytes, key: bytes) -> bytes:
            if _is_product(sys._getframe(1).f_globals):
                self.note_seal(key, nonce, aad, plaintext)
            sealed: bytes = aead_seal(plaintext, aad, nonce, key)
            return sealed

        ciphers.__dict__.update(box_seal=recorded_box_seal, aead_seal=recorded_aead_seal)

    def _wrap_secret(self, model: ModuleType) -> None:
        keep = model.Secret.__init__

        def recorded_init(secret: object, value: bytes) -> None:
            self.note_secret(bytes(value))
            keep(secret, value)

        model.Secret.__init__ = recorded_init

    def _wrap_sealer(self, formats: ModuleType) -> None:
        seal_data = formats.Sealer.seal_data

        def recorded_seal_data(sealer: object, plain: bytes) -> object:
            self.note_content(plain)
            return seal_data(sealer, plain)

        formats.Sealer.seal_data = recorded_seal_data


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the recorder see its modules the moment they are loaded, and imports nothing by itself."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find our modules only; everything else is found as ever."""
        if fullname not in WATCHED or path is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        load = spec.loader.exec_module

        def load_and_wrap(module: ModuleType) -> None:
            load(module)
            self._recorder.wrap(module)

        spec.loader.exec_module = load_and_wrap  # type: ignore[method-assign]  # this loader serves one module
        return spec


WATCHED = ("mega_cli.crypto.ciphers", "mega_cli.model", "mega_cli.formats.object")


def install(folder: Path) -> None:
    """Record in this process from now on; modules that are loaded already are wrapped at once."""
    recorder = Recorder(folder)
    for name in WATCHED:
        if name in sys.modules:
            recorder.wrap(sys.modules[name])
    sys.meta_path.insert(0, _Finder(recorder))


def reused_keys(folder: Path) -> int:
    """Count the (key, nonce) pairs that met two messages."""
    seen: dict[bytes, bytes] = {}
    reused = set()
    for file in folder.glob("*.seals"):
        raw = file.read_bytes()
        for at in range(0, len(raw) - 31, 32):
            place, message = raw[at : at + 16], raw[at + 16 : at + 32]
            if seen.setdefault(place, message) != message:
                reused.add(place)
    return len(reused)


def traces(folder: Path) -> set[bytes]:
    """Give every piece noted so far."""
    pieces: set[bytes] = set()
    for file in folder.glob("*.traces"):
        raw = file.read_bytes()
        pieces.update(raw[at : at + PIECE_BYTES] for at in range(0, len(raw) - 15, PIECE_BYTES))
    return pieces


def leaked_pieces(pieces: set[bytes], haystack: bytes) -> list[bytes]:
    """Find pieces in what a server holds, as they are or written in hexadecimal."""
    found = {haystack[at : at + PIECE_BYTES] for at in range(0, len(haystack) - 15, PIECE_BYTES)} & pieces
    for run in re.findall(rb"(?:[0-9a-fA-F]{2}){31,}", haystack):
        raw = bytes.fromhex(run.decode())
        found |= {raw[at : at + PIECE_BYTES] for at in range(0, len(raw) - 15, PIECE_BYTES)} & pieces
    return sorted(found)


def server_bytes(data_dir: Path, log: str) -> Iterator[bytes]:
    """Give what a server holds: its log, then its files, the smallest first, up to `SCANNED_BYTES`."""
    yield log.encode()
    left = SCANNED_BYTES
    for file in sorted((f for f in data_dir.rglob("*") if f.is_file()), key=lambda f: f.stat().st_size):
        with file.open("rb") as opened:
            data = opened.read(left)
        left -= len(data)
        yield data


def _pieces(value: bytes) -> list[bytes]:
    """Cut the first 16 pieces of 16 bytes, one at each offset."""
    return [value[at : at + PIECE_BYTES] for at in range(min(16, len(value) - PIECE_BYTES + 1))]


def _telling(pieces: list[bytes]) -> list[bytes]:
    """Leave out pieces that are found everywhere."""
    return [piece for piece in pieces if len(set(piece)) >= _LEAST_DISTINCT]


def _is_product(caller: dict[str, Any]) -> bool:
    """Tell whether product code seals, with the product's own randomness: vectors replace it by a script."""
    name: str = caller.get("__name__", "")
    if not name.startswith("mega_cli."):
        return False
    randomness = sys.modules.get("mega_cli.crypto.randomness")
    return randomness is None or randomness.random_bytes.__module__ == randomness.__name__
