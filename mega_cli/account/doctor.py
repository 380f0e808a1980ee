"""Look at everything a command relies on, and say what is wrong and what mends it: `mega doctor`.

It changes nothing, and no failure of one check keeps the others from being made. A finding has two faces: `summary`
holds nothing that tells whose it is (no account, host, path, key or text from a server), so a report of summaries may
be posted; `detail` is for the owner's screen.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass

from mega_cli.account import connection
from mega_cli.account.access import open_session, open_volume
from mega_cli.account.findings import Finding, problem, well
from mega_cli.account.machine import check_disk, check_environment, check_private_files, check_programs, check_stores
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import ServerInfo
from mega_cli.errors import (
    MegaError,
    NotInitialisedError,
    NotLoggedInError,
    PermissionRefusedError,
    RollbackError,
    TemporaryError,
)
from mega_cli.model import NEEDS_PER_COMMIT, PACK_TARGET_BYTES
from mega_cli.state.session import Session
from mega_cli.system.clock import Clock
from mega_cli.system.directories import Home

_CLOCK_SLACK_MS = 5 * 60_000
_NEARLY_FULL = 0.95


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is looked at besides the profile."""

    environ: Mapping[str, str]
    clock: Clock


def examine(home: Home, around: Surroundings) -> Iterator[Finding]:
    """Make every check, in the order in which a person would mend what it finds."""
    yield from check_programs()
    yield from check_environment(around.environ)
    yield from check_disk(home)
    try:
        folder = home.folder
    except NotInitialisedError as error:
        yield problem("account", "no account is set up on this device", error.hint, code=error.exit_code)
        return
    yield from check_private_files(folder, home)
    yield from check_stores(home)
    try:
        session = open_session(home)
    except NotLoggedInError as error:
        yield problem("session", "nobody is signed in on this device", error.hint, error.message, code=error.exit_code)
        return
    except OSError as error:
        fix = f"see whose it is: ls -ld {shlex.quote(str(home.session_file))}"
        yield problem("session", "the session file cannot be read", fix, str(error), PermissionRefusedError.exit_code)
        return
    yield from _check_server(home, session, around.clock)


def _check_server(home: Home, session: Session, clock: Clock) -> Iterator[Finding]:
    try:
        with closing(connection.connect_session(session)) as patient:
            client = patient.one_try()
            before_ms = clock.now_ms()
            info = client.server_info()
            yield well("server", "the server answers", f"at {session.server_url}: {info.software}")
            yield _clock_finding(info.clock_ms, before_ms, clock.now_ms())
            yield _limits_finding(info)
            yield _account_finding(client)
    except MegaError as error:
        yield _unreached(error)
        return
    if home.trust_file.exists():  # opening the volume would make an empty one
        yield _head_finding(home)


def _unreached(error: MegaError) -> Finding:
    """Say that the server cannot be talked to; certificates also fail when this machine's clock is wrong."""
    fix = error.hint
    if not isinstance(error, TemporaryError):
        fix = f"{error.hint}; certificates also fail when this machine's clock is wrong: date"
    return problem("server", "the server cannot be talked to", fix, error.message, code=error.exit_code)


def _clock_finding(server_ms: int, before_ms: int, after_ms: int) -> Finding:
    """Compare the server's clock with ours in the middle of the request."""
    ahead_ms = (before_ms + after_ms) // 2 - server_ms
    if abs(ahead_ms) <= _CLOCK_SLACK_MS:
        return well("clock", "this clock and the server's agree within five minutes")
    amount = _span(round(abs(ahead_ms) / 60_000))  # to the minute: the request itself took some time
    side = "ahead of" if ahead_ms > 0 else "behind"
    return problem(
        "clock",
        f"this clock is {amount} {side} the server's",
        "times of files and snapshots, and TLS, rely on it; see: timedatectl status (macOS: sntp -sS time.apple.com)",
        "if this clock is right, tell the server's administrator",
    )


def _limits_finding(info: ServerInfo) -> Finding:
    """Hold what the server takes at once against what this client sends at once."""
    if info.limits.pack_bytes < PACK_TARGET_BYTES or info.limits.needs_per_commit < NEEDS_PER_COMMIT:
        return problem("limits", "the server takes less at once than this client sends", "install matching versions")
    return well("limits", "the server takes as much at once as this client sends")


def _account_finding(client: ServerClient) -> Finding:
    try:
        told = client.me()
    except NotLoggedInError as error:
        return problem("session", "the session of this device has ended", error.hint, code=error.exit_code)
    except MegaError as error:
        return problem("session", "the server refuses this account", error.hint, error.message, code=error.exit_code)
    if told.used_bytes >= told.quota_bytes * _NEARLY_FULL:
        fix = "remove what is not needed, or ask the administrator for more: mega-server user quota"
        return problem("quota", "the account is nearly full, or full", fix, code=8)
    return well("session", "the session is valid, and the account has room")


def _head_finding(home: Home) -> Finding:
    """Verify the newest revision against the pin, as every command does."""
    try:
        with open_volume(home) as volume:
            volume.client = volume.client.one_try()
            volume.head()
    except RollbackError as error:
        return problem("history", "the server shows another history than before", "mega trust", error.message, code=15)
    except MegaError as error:
        return problem("history", "the newest revision cannot be verified", error.hint, error.message, error.exit_code)
    return well("history", "the newest revision descends from the one seen here before")


def _span(minutes: int) -> str:
    """Write at least a minute in the largest unit that fits."""
    unit_min, unit = next(found for found in ((1_440, "day"), (60, "hour"), (1, "minute")) if minutes >= found[0])
    count = round(minutes / unit_min)
    return f"{count} {unit}{'' if count == 1 else 's'}"
