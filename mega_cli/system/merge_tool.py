"""Merge three versions of a text with the user's own tool, or with git's. It knows nothing of sync.

Content lies in a private temporary folder while a tool has it, and nowhere afterwards. The contract with $MERGETOOL is
git's: BASE, LOCAL, REMOTE and MERGED are paths in its environment; words of its command line that begin with $ and one
of these names are replaced; when none does, the four paths are its last arguments, in this order. It writes MERGED,
which begins as a copy of LOCAL, and says with exit code 0 that it is done. No shell reads the command line.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from mega_cli.errors import MissingItemError, UsageError, WaitsForUserError

_ROLES: Final = ("BASE", "LOCAL", "REMOTE", "MERGED")
_STEM_MOST: Final = 40
_GIT_CONFLICTS_MOST: Final = 127
"""git merge-file ends with the number of conflicts, this at most, and with more when it failed (git-merge-file(1))."""
_EXAMPLE: Final = "'meld $LOCAL $BASE $REMOTE -o $MERGED'"


class Versions(NamedTuple):
    """What is merged."""

    base: bytes
    local: bytes
    remote: bytes


def merge(name: str, versions: Versions, environ: Mapping[str, str], keep_hint: str) -> bytes:
    """Merge versions of the file `name`, and give the result.

    Raises WaitsForUserError when places are left that both changed, or the tool was not done; MissingItemError when
    there is no tool; UsageError for a $MERGETOOL that is no command line.
    """
    with tempfile.TemporaryDirectory(prefix="mega-merge-") as folder:
        files = _lay_out(Path(folder), name, versions)
        command = environ.get("MERGETOOL", "").strip()
        if not command:
            return _by_git(files, keep_hint)
        return _by_tool(_words(command, files), files, environ, keep_hint)


def _lay_out(folder: Path, name: str, versions: Versions) -> dict[str, Path]:
    """Write the versions under names that tools know the kind of file by."""
    pure = PurePath(name)
    suffix = pure.suffix[:_STEM_MOST]
    files = {role: folder / f"{pure.stem[:_STEM_MOST]}.{role}{suffix}" for role in _ROLES}
    for role, content in zip(_ROLES, (*versions, versions.local), strict=True):
        files[role].write_bytes(content)
    return files


def _words(command: str, files: Mapping[str, Path]) -> list[str]:
    """Split a command line, and put the paths where it names them, else at its end."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"$MERGETOOL is no command line: {error}", "unset MERGETOOL, or close its quotes") from error
    names = {f"${role}": str(path) for role, path in files.items()}
    names |= {f"${{{role}}}": str(path) for role, path in files.items()}
    if not any(name in word for word in words for name in names):
        return [*words, *map(str, files.values())]
    for name, path in names.items():
        words = [word.replace(name, path) for word in words]
    return words


def _by_tool(words: list[str], files: Mapping[str, Path], environ: Mapping[str, str], keep_hint: str) -> bytes:
    told = {role: str(path) for role, path in files.items()}
    try:
        done = subprocess.run(words, env={**environ, **told}, check=False)  # noqa: S603 -- the user's own command
    except OSError as error:
        message = f"the merge tool {words[0]!r} cannot be run: {os.strerror(error.errno or 0)}"
        raise MissingItemError(message, f"to merge with git: unset MERGETOOL; to merge nothing: {keep_hint}") from error
    if done.returncode:
        message = f"the merge tool ended with exit code {done.returncode}, so nothing was changed"
        raise WaitsForUserError(message, f"run the same command again, or choose a version: {keep_hint}")
    try:
        return files["MERGED"].read_bytes()
    except FileNotFoundError as error:
        message = "the merge tool left no merged file, so nothing was changed"
        raise WaitsForUserError(message, f"it must write the file that $MERGED names; or: {keep_hint}") from error


def _by_git(files: Mapping[str, Path], keep_hint: str) -> bytes:
    words = ["git", "merge-file", "-p", *(str(files[role]) for role in ("LOCAL", "BASE", "REMOTE"))]
    try:
        done = subprocess.run(words, capture_output=True, check=False)  # noqa: S603 -- our words
    except FileNotFoundError as error:
        message = "nothing here can merge: MERGETOOL is not set, and git is not installed"
        hint = f"install git, or: export MERGETOOL={_EXAMPLE}; or choose: {keep_hint}"
        raise MissingItemError(message, hint) from error
    if 0 < done.returncode <= _GIT_CONFLICTS_MOST:
        message = f"{_places(done.returncode)} changed in both versions, so nothing was changed"
        hint = f"merge by eye: export MERGETOOL={_EXAMPLE}; then again; or choose: {keep_hint}"
        raise WaitsForUserError(message, hint)
    if done.returncode:
        raise WaitsForUserError("git could not merge them, so nothing was changed", f"choose a version: {keep_hint}")
    return done.stdout


def _places(count: int) -> str:
    if count == 1:
        return "1 place was"
    return f"{count} places were" if count < _GIT_CONFLICTS_MOST else f"{count} places or more were"
