"""Standard streams that were closed before the command started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = "from mega_cli.main import run; run()"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell closes the streams")


def call(redirection: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `mega` from a shell that closes a stream first."""
    line = f'exec "$0" -c "$1" "${{@:2}}" {redirection}'
    environ = {"MEGA_HOME": str(home), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["bash", "-c", line, sys.executable, RUN, *words], capture_output=True, text=True, env=environ, check=False
    )


def test_a_result_that_nobody_can_take_is_no_success(tmp_path: Path) -> None:
    """A closed stdout is one sentence and exit code 1, as a full disk behind it is."""
    done = call(">&-", tmp_path, "--help")
    assert (done.returncode, done.stderr) == (1, "mega: error: Bad file descriptor\n")


def test_a_failure_keeps_its_code_when_nobody_can_be_told(tmp_path: Path) -> None:
    """With stdout and stderr closed the exit code is all that is left."""
    assert call(">&- 2>&-", tmp_path, "ls").returncode == 10


def test_a_password_is_not_read_from_a_closed_stdin(tmp_path: Path) -> None:
    """`--password-file -` of a closed stdin fails in a sentence, before anything is sent."""
    done = call("<&-", tmp_path, "login", "alice", "--server", "https://127.0.0.1:1", "--password-file", "-")
    assert (done.returncode, done.stderr) == (1, "mega: error: Bad file descriptor\n")
