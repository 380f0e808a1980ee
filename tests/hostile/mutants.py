"""Switch each defence off, one at a time, and see that the row's tests fail: `python -m tests.hostile.mutants [T31 …]`.

Each mutant is a row and some exact replacements, made in a temporary copy of the project; only that row's tests run
there. Where several checks stand behind one another, a mutant switches off as many as the attack needs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.account_mutants import ACCOUNT_MUTANTS
from tests.hostile.metadata_mutants import METADATA_MUTANTS
from tests.hostile.server_mutants import SERVER_MUTANTS
from tests.hostile.share_mutants import SHARE_MUTANTS
from tests.hostile.walk_mutants import WALK_MUTANTS

ROOT = Path(__file__).resolve().parents[2]
SCOPE = (
    *("T01", "T02", "T03", "T04", "T07", "T08", "T13", "T14", "T20", "T21", "T23", "T24", "T25", "T26"),
    *("T30", "T31", "T32", "T33", "T34", "T35", "T36", "T39", "T40", "T50", "T51", "T54", "T71", "T73", "T80"),
    *dict.fromkeys(
        row for row, _, _ in (*ACCOUNT_MUTANTS, *METADATA_MUTANTS, *SERVER_MUTANTS, *SHARE_MUTANTS, *WALK_MUTANTS)
    ),
)
_ROWS = "ATTACK_ROWS"
_MOST_S = 300


@dataclass(frozen=True)
class Change:
    """Replace a text that occurs exactly once in a file."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Mutant:
    """One defence switched off."""

    row: str
    what: str
    changes: tuple[Change, ...]


def _mutant(row: str, what: str, path: str, old: str, new: str) -> Mutant:
    return Mutant(row, what, (Change(path, old, new),))


_CIPHERS, _RECORDS = "mega_cli/crypto/ciphers.py", "mega_cli/crypto/records.py"
_BLOBS, _PASSWORDS, _SIGNING = "mega_cli/crypto/blobs.py", "mega_cli/crypto/passwords.py", "mega_cli/crypto/signing.py"
_OBJECT, _PAGE, _ROOT = "mega_cli/formats/object.py", "mega_cli/formats/page.py", "mega_cli/formats/root_record.py"
_CLIENT, _LOGIN = "mega_cli/api/client.py", "mega_cli/account/login.py"
_SESSION, _COMMIT, _PAGETREE = "mega_cli/volume/session.py", "mega_cli/volume/commit.py", "mega_cli/volume/pagetree.py"
_FOLDERS, _PUBLISH, _NAMES = "mega_cli/localfs/folders.py", "mega_cli/localfs/publish.py", "mega_cli/paths/names.py"

_COMMITTED = " or not hmac.compare_digest(clear[32:], expected)"
_BLOB_COMMITTED = "if not hmac.compare_digest(blob[4:PREFIX_BYTES], kdf(ck, labels.BLOB_COMMIT)):"
_OPEN_SLOT = "    slot = open_password_slot(keys.wrap_key, place.account, place.origin, salt, policy, reply.slot)\n"
_OPEN_PAGE = "                yield id_, _open(blob, wanted[id_])\n"
_COUNTED = "        if count != len(ids):\n"
_POLICY = "policy = check_policy(told.algorithm, told.passes, told.memory_bytes)"
_LAST_LINK = "if passed[-1].revision + 1 != head.revision or head_prev != passed[-1].digest:"
_NEXT_LINK = "if header.revision != passed[-1].revision + 1 or header.prev != passed[-1].digest:"
_RIGHT_HEAD = "if (header.volume, header.epoch, header.writer_key) != (keys.volume, keys.epoch, keys.writer_public):"
_VERIFIED = "    verify(keys.writer_public, labels.SIGN_ROOT, record[:_SIGNED_BYTES], record[_SIGNED_BYTES:])\n"
_CONFIRMED = "    if not session.shows(ours, since):"
_PADDED = "return max(PAYLOAD_LEAST_BYTES, padme(_HEADER.size + stored_len))"
_WRITER = "if (header.volume, header.epoch, header.writer_key) != (volume, row.epoch, row.writer_key):"
_SESSION_MADE, _CLAIMED = (
    "return session_of(place, reply, slot, device_name)",
    "client.server_info().origin or place.origin",
)

MUTANTS: Sequence[Mutant] = (
    _mutant(
        "T01",
        "a wrong tag is forgiven",
        _CIPHERS,
        "    except CryptoError:\n        raise IntegrityError from None",
        '    except CryptoError:\n        return bytes(35) + b"\\1" + bytes(12)',
    ),
    _mutant(
        "T01",
        "a mauled slot is answered",
        _LOGIN,
        _OPEN_SLOT,
        "    try:\n    "
        + _OPEN_SLOT
        + "    except IntegrityError:\n        client.challenge(place.account)\n        raise\n",
    ),
    _mutant("T02", "a record's type is not checked", _RECORDS, "clear[4:8] != bytes([type, 0, 0, 0]) or ", ""),
    _mutant("T02", "an object's kind is not checked", _OBJECT, "        or kind != ref_kind\n", ""),
    _mutant(
        "T03",
        "a page that does not verify counts as empty",
        "mega_cli/volume/pagestore.py",
        _OPEN_PAGE,
        "                try:\n                    page = _open(blob, wanted[id_])\n"
        "                except IntegrityError:\n                    page = Page(0, [])\n"
        "                yield id_, page\n",
    ),
    _mutant(
        "T04",
        "a slot of a wrong length has a message of its own",
        _RECORDS,
        "length < OVERHEAD_BYTES:\n        raise IntegrityError",
        'length < OVERHEAD_BYTES:\n        raise IntegrityError("the record has a wrong length")',
    ),
    _mutant(
        "T07",
        "the server's parameters are taken",
        _LOGIN,
        _POLICY,
        "policy = KdfPolicy(told.passes, told.memory_bytes)",
    ),
    _mutant("T07", "any algorithm will do", _PASSWORDS, "algorithm != ALGORITHM\n        or ", ""),
    _mutant("T07", "a device's floor is forgotten", _PASSWORDS, "weakest = floor or FLOOR", "weakest = FLOOR"),
    _mutant("T07", "the salt is the server's alone", _PASSWORDS, " + variable(account.encode(), origin.encode())", ""),
    _mutant(
        "T07",
        "another salt than the pinned one is taken",
        "mega_cli/state/trust.py",
        "    if pinned.server_salt != server_salt:",
        "    if not server_salt:",
    ),
    _mutant("T08", "a record's commitment is not checked", _RECORDS, _COMMITTED, ""),
    _mutant("T08", "a record may be longer", _RECORDS, "len(record) != length or ", ""),
    _mutant(
        "T13",
        "no volume counts as a path that is not there",
        _SESSION,
        'raise RollbackError(\n                "the server says that this account',
        'raise MissingItemError(\n                "the server says that this account',
    ),
    _mutant("T14", "a challenge may have any length", _CLIENT, "        if len(nonce) != 32:", "        if not nonce:"),
    _mutant(
        "T14", "signatures have no context", _SIGNING, "label16(context) + message, secret_key", "message, secret_key"
    ),
    _mutant(
        "T20",
        "an older head is accepted",
        _SESSION,
        _LAST_LINK,
        "if passed[-1].revision < head.revision and head_prev != passed[-1].digest:",
    ),
    _mutant(
        "T21", "the head's prev is not checked", _SESSION, _LAST_LINK, "if passed[-1].revision + 1 != head.revision:"
    ),
    _mutant(
        "T23", "a record's prev is not checked", _SESSION, _NEXT_LINK, "if header.revision != passed[-1].revision + 1:"
    ),
    _mutant("T23", "a record's number is not checked", _SESSION, _NEXT_LINK, "if header.prev != passed[-1].digest:"),
    _mutant("T23", "a revision has no end", _ROOT, " <= revision <= LAST_REVISION", " <= revision"),
    _mutant("T24", "any volume's head will do", _ROOT, _RIGHT_HEAD, "if not header.writer_key:"),
    _mutant("T25", "an acknowledgement is believed", _COMMIT, _CONFIRMED, "    if not record:"),
    _mutant("T26", "the signature is not checked", _ROOT, _VERIFIED, ""),
    _mutant("T26", "min_reader is ignored", _ROOT, "    if min_reader > MIN_READER:", "    if min_reader < 0:"),
    _mutant(
        "T26",
        "another version is damage",
        "mega_cli/crypto/versions.py",
        "raise newer_version()",
        "raise IntegrityError",
    ),
    _mutant("T30", "the id is not checked", _BLOBS, " or sha256(blob).digest() != id", ""),
    _mutant("T30", "a blob's commitment is not checked", _BLOBS, _BLOB_COMMITTED, "if not ck:"),
    _mutant("T31", "more frames than asked for are taken", _CLIENT, "count > len(ids) or ", ""),
    _mutant("T31", "fewer frames are asked for again", _CLIENT, _COUNTED, "        if count > len(ids):\n"),
    _mutant(
        "T31",
        "an encoded answer is read",
        "mega_cli/api/operations.py",
        'if answer.get("content-encoding", "identity") != "identity":',
        "if answer is None:",
    ),
    _mutant(
        "T31",
        "a hidden volume is a missing path",
        _CLIENT,
        "                if may_be_gone:",
        "                if error:",
    ),
    _mutant(
        "T32",
        "a page may stand anywhere",
        _PAGETREE,
        "    if page.level != level or key_of(page.items[0]) != first:",
        "    if page.level != level:",
    ),
    Mutant(
        "T33",
        "the origin is what the server says",
        (
            Change("mega_cli/account/connection.py", 'if claimed not in ("", origin):', "if not origin:"),
            Change(_LOGIN, _SESSION_MADE, _SESSION_MADE.replace("place, ", f"replace(place, origin={_CLAIMED}), ")),
            Change(_LOGIN, "import re\n", "import re\nfrom dataclasses import replace\n"),
        ),
    ),
    _mutant("T34", "blobs that nobody asked for are taken", _CLIENT, "count > len(ids) or ", ""),
    _mutant("T35", "a blob's commitment is not checked", _BLOBS, _BLOB_COMMITTED, "if not ck:"),
    _mutant(
        "T36",
        "the key is made from the plaintext",
        _OBJECT,
        "keyed_object_key(payload, self._dedup_key)",
        "keyed_object_key(plain, self._dedup_key)",
    ),
    _mutant("T36", "small keys are not random", _OBJECT, "randomness.random_bytes(32)", "bytes(32)"),
    _mutant(
        "T36",
        "a record's nonce is not random",
        _ROOT,
        "keys.writer_public, randomness.random_bytes(24)",
        'keys.writer_public, bytes(24) if randomness else b""',
    ),
    _mutant(
        "T39",
        "a file is written under its final name",
        _PUBLISH,
        "self._partial = partial_name(token, name)",
        "self._partial = name",
    ),
    Mutant(
        "T39",
        "a truncated answer is asked for again",
        (
            Change("mega_server/protocol/frames.py", "    if not reader.has_ended:", "    if reader is None:"),
            Change(_CLIENT, _COUNTED, "        if count > len(ids):\n"),
        ),
    ),
    _mutant(
        "T40", "a frame's size is not looked at", _OBJECT, " or zstandard.frame_content_size(stored) != plain_len", ""
    ),
    _mutant(
        "T40",
        "a page has no largest size",
        _PAGE,
        "    if not 3 < len(raw) <= PAGE_MAX_BYTES:",
        "    if not 3 < len(raw):",
    ),
    _mutant("T40", "a blob has no largest size", _BLOBS, "<= len(blob) <= most_bytes", "<= len(blob)"),
    _mutant(
        "T50",
        "everybody shares one deduplication secret",
        "mega_cli/crypto/keys.py",
        "kdf(key, labels.VOLUME_DEDUP, volume)",
        "kdf(bytes(32), labels.VOLUME_DEDUP)",
    ),
    _mutant(
        "T51",
        "a volume is anybody's",
        "mega_server/database/volumes.py",
        '== bindparam("id"), volumes.c.account == bindparam("owner"))',
        '== bindparam("id"))',
    ),
    _mutant("T54", "payloads are not padded", _OBJECT, _PADDED, "return _HEADER.size + stored_len"),
    _mutant(
        "T71",
        "a password may be an argument",
        "mega_cli/options/password.py",
        '            f"--{name}-file",\n            metavar',
        '            f"--{name}-file",\n            f"--{name}",\n            metavar',
    ),
    _mutant("T73", "any name will do", _PAGE, "        or not all(map(is_name, names))\n", ""),
    Mutant(
        "T73",
        "links are followed",
        (
            Change(_FOLDERS, "_FOLDER | _NO_FOLLOW, dir_fd", "_FOLDER, dir_fd"),
            Change("mega_cli/volume/get_walk.py", "found is not None and found[0] != stat.S_IFDIR", "found is True"),
        ),
    ),
    _mutant("T73", "setuid bits are set", _FOLDERS, "MODE_MASK: Final = 0o777\n", "MODE_MASK: Final = 0o7777\n"),
    _mutant("T73", "a raw name is believed", _NAMES, "if candidate and _reads_as(candidate, name):", "if candidate:"),
    _mutant("T73", "names are printed raw", _NAMES, "    if text.isprintable():\n", "    if text:\n"),
    _mutant(
        "T80",
        "what the server stored is not compared",
        _CLIENT,
        "        if reply.body != hashlib",
        "        if not hashlib",
    ),
    _mutant(
        "T80",
        "a pack may be longer than it says",
        "mega_server/protocol/packs.py",
        "    if offset != len(pack):",
        "    if offset > len(pack):",
    ),
    _mutant("T80", "any writer may commit", "mega_server/services/commits.py", _WRITER, "if not row.writer_key:"),
    *(
        Mutant(row, what, tuple(Change(*edit) for edit in edits))
        for row, what, edits in (*ACCOUNT_MUTANTS, *METADATA_MUTANTS, *SERVER_MUTANTS, *SHARE_MUTANTS, *WALK_MUTANTS)
    ),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the wanted rows: this module is pytest's plugin in the copy."""
    import mega_cli  # noqa: PLC0415 -- which one is the question

    assert Path(str(mega_cli.__file__)).is_relative_to(Path.cwd()), "the tests would run against the original"
    wanted = set(os.environ[_ROWS].split(","))
    kept = [item for item in items if any(mark.args[0] in wanted for mark in item.iter_markers("attack"))]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def occurrences(change: Change) -> int:
    """Count how often a change's text stands in its file."""
    return (ROOT / change.path).read_text(encoding="utf-8").count(change.old)


def main(rows: Sequence[str]) -> int:
    """Try every mutant of these rows (all of them by default); give 1 if any survives."""
    chosen = [mutant for mutant in MUTANTS if not rows or mutant.row in rows]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="mega-mutants-") as folder:
        copy = Path(folder) / "project"
        for part in ("mega_cli", "mega_server", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / part, copy / part)
        ended = _run(copy, sorted({mutant.row for mutant in chosen}))
        if ended.returncode:
            _say(f"the tests fail without any mutant:\n{ended.stdout[-4_000:]}")
            return 1
        for mutant, ended in _tried(copy, chosen):
            is_killed = ended.returncode == 1 and re.search(r"^\d+ failed", ended.stdout, re.MULTILINE) is not None
            survivors += not is_killed
            _say(f"{'killed  ' if is_killed else 'SURVIVED'} {mutant.row} {mutant.what}")
            if not is_killed and ended.returncode:
                _say(ended.stdout[-1_000:])
    _say(f"{len(chosen) - survivors} of {len(chosen)} mutants killed")
    return 1 if survivors else 0


def _tried(copy: Path, chosen: Sequence[Mutant]) -> Iterator[tuple[Mutant, subprocess.CompletedProcess[str]]]:
    """Apply each mutant, run its row, and take it back."""
    for mutant in chosen:
        before = {change.path: (copy / change.path).read_text(encoding="utf-8") for change in mutant.changes}
        for change in mutant.changes:
            text = (copy / change.path).read_text(encoding="utf-8")
            (copy / change.path).write_text(text.replace(change.old, change.new), encoding="utf-8")
        yield mutant, _run(copy, [mutant.row])
        for path, text in before.items():
            (copy / path).write_text(text, encoding="utf-8")


def _run(copy: Path, rows: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the tests of these rows in the copy."""
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "tests.hostile.mutants", "tests/hostile"]
    environment = os.environ | {_ROWS: ",".join(rows), "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*command, "--tb=line"], cwd=copy, env=environment, capture_output=True, text=True, timeout=_MOST_S, check=False
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
