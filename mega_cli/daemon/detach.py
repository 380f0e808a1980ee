"""Start the daemon in a session of its own, and know that it is up, or why it is not.

The child keeps our pipe as its stderr until it is up: then it says so and lets go. Whatever it says before is why it
could not start, as the document that `--json` ends errors with. Nothing waits for a time: a child that dies closes the
pipe.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from mega_cli.daemon.presence import is_running
from mega_cli.errors import LockedError, MegaError, error_with_code
from mega_cli.system.directories import Home

DETACHED: Final = "MEGA_DAEMON_DETACHED"
"""Among the child's variables: `mega daemon run` is nobody's foreground, and lets go of its streams when it is up."""
_NOT_ITS_OWN: Final = ("NOTIFY_SOCKET", "MEGA_PASSWORD", "MEGA_LINK")
UP: Final = "up"
"""What the child's stderr ends with when it is up."""


def start_daemon(home: Home, log_level: str = "") -> bool:
    """Start it and return when it is up; gives False when one was there already. Raises what kept it from starting."""
    if is_running(home):
        return False
    words = [sys.executable, "-P", "-m", "mega_cli", "--json", *(["--log-level", log_level] if log_level else [])]
    # In a session of its own neither the terminal's Ctrl-C nor its end reaches it.
    child = subprocess.Popen(  # noqa: S603 -- our own program
        [*words, "daemon", "run"],
        cwd="/",  # a folder that stays: no mount is kept busy
        env=_environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        errors="replace",
    )
    assert child.stderr is not None
    with child.stderr as said:
        last = (said.read().splitlines() or [""])[-1]
    if last == UP:
        child.returncode = 0  # it is its own from now on: nobody waits for it
        return True
    child.wait()
    error = _error_of(last, home)
    if isinstance(error, LockedError):
        return False  # another start was a moment quicker
    raise error


def _environment(home: Home) -> dict[str, str]:
    """Give the child what it finds this profile by, wherever it stands, and no password: it lives for months."""
    known = {name: value for name, value in os.environ.items() if name not in _NOT_ITS_OWN}
    if known.get("MEGA_HOME"):
        known["MEGA_HOME"] = str(Path(known["MEGA_HOME"]).expanduser().absolute())
    return {**known, "MEGA_PROFILE": home.profile, DETACHED: "1"}


def _error_of(line: str, home: Home) -> MegaError:
    try:
        found = json.loads(line)
        return error_with_code(found["code"], found["message"], found["hint"])
    except (ValueError, KeyError, TypeError):
        return MegaError("the daemon did not start", f"see the last lines of {home.daemon_log_file}")
