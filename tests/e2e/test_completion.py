"""Completion in real shells, over a real server: what is offered, how it is quoted, and what it must not do."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.device import Device
from tests.kit.server import LiveServer

STRANGE = "a $(touch owned) \\name*"
WITH_COMMA = "few, or more"
ACCOUNT = "alice"


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a `mega` that shells find."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "mega").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mega_cli "$@"\n')
    (folder / "mega").chmod(0o700)
    return folder


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """Sign up, and store /docs/one, /docs/two and two files of strange names."""
    folder = tmp_path_factory.mktemp("alice")
    (folder / "password").write_text("a long password of many words 77")
    with LiveServer(folder / "server") as server:
        device = Device(folder / "home")
        told = ("--server", server.url, "--password-file", str(folder / "password"))
        assert device.mega("signup", *told, "--recovery-kit", str(folder / "kit"), ACCOUNT).code == 0
        docs = folder / "docs"
        docs.mkdir()
        for name in ("one", "two", STRANGE, WITH_COMMA):
            (docs / name).write_text(name)
        assert device.mega("put", str(docs), "/").code == 0
        yield device


def shell(name: str, script: str, device: Device, bin_folder: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in a shell that knows `mega`; skip where the shell is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PATH": path, "MEGA_HOME": str(device.home), "HOME": str(cwd)}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    flags = {"zsh": ["-f"], "bash": ["--norc"], "fish": ["--no-config"]}[name]
    done = subprocess.run(
        [name, *flags, "-c", script], env=environment, cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done


def bash(words: str, device: Device, bin_folder: Path, cwd: Path) -> list[str]:
    """Ask bash to complete the last of `words`."""
    typed = shlex.split(words)
    typed += [""] if words.endswith(" ") else []
    script = (
        'eval "$(mega completion bash)"; compopt() { :; }; '
        f"COMP_WORDS=({shlex.join(typed)}); COMP_CWORD={len(typed) - 1}; _mega_completion mega; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return [line for line in shell("bash", script, device, bin_folder, cwd).stdout.split("\n") if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("mega ls /d", ["/docs/"]),
        ("mega ls /docs/t", ["/docs/two"]),
        ("mega cat docs/o", ["docs/one"]),
        ("mega mv /docs/one /do", ["/docs/"]),
        ("mega get /docs/o", ["/docs/one"]),
        ("mega put x /do", ["/docs/"]),
        ("mega trash re", ["restore"]),
        ("mega login al", [ACCOUNT]),
        ("mega get --overwrite if-c", ["if-changed"]),
        ("mega --profile alice ls /d", ["/docs/"]),
        ("mega --profile nobody ls /d", []),
        ("mega ls /nothing/", []),
    ],
)
def test_bash_completes(alice: Device, bin_folder: Path, tmp_path: Path, words: str, offered: list[str]) -> None:
    """Commands, options, values, accounts, and remote paths for the commands that take them."""
    assert bash(words, alice, bin_folder, tmp_path) == offered


def test_a_name_does_not_become_a_command(alice: Device, bin_folder: Path, tmp_path: Path) -> None:
    """What bash puts on the command line reads back as that one word."""
    (offered,) = bash("mega ls /docs/a", alice, bin_folder, tmp_path)

    assert shlex.split(offered) == [f"/docs/{STRANGE}"]
    assert not (tmp_path / "owned").exists()


def test_zsh_completes(alice: Device, bin_folder: Path, tmp_path: Path) -> None:
    """The candidates that zsh would add; it quotes them itself."""
    script = (
        'autoload -U compinit; compinit -u -D; eval "$(mega completion zsh)"; '
        "compadd() { print -rl -- $completions }; words=(mega ls /docs/t); CURRENT=3; _mega_completion"
    )

    assert shell("zsh", script, alice, bin_folder, tmp_path).stdout.split() == ["/docs/two"]


def test_fish_completes(alice: Device, bin_folder: Path, tmp_path: Path) -> None:
    """By fish's own machinery."""
    script = 'mega completion fish | source; complete --do-complete "mega ls /docs/t"'

    assert shell("fish", script, alice, bin_folder, tmp_path).stdout.split() == ["/docs/two"]


def test_fish_offers_a_name_whole(alice: Device, bin_folder: Path, tmp_path: Path) -> None:
    """A comma parts the fields of click's script, and belongs to the name."""
    script = 'mega completion fish | source; complete --do-complete "mega ls /docs/f"'

    assert shell("fish", script, alice, bin_folder, tmp_path).stdout == f"/docs/{WITH_COMMA}\n"


def ask(device: Device, words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Ask as a completion script does."""
    environment = os.environ | {"MEGA_HOME": str(device.home), "_MEGA_COMPLETE": "bash_complete"} | changes
    environment |= {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    return subprocess.run(
        [sys.executable, "-m", "mega_cli"], env=environment, capture_output=True, text=True, check=False, timeout=30
    )


def snapshot(home: Path) -> dict[Path, bytes]:
    """Read every file of a home."""
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_completion_writes_nothing(alice: Device, tmp_path: Path) -> None:
    """No pin, no cache, no log: also on a device that is behind and has no cache."""
    device = alice.copy(tmp_path / "home")
    shutil.rmtree(device.home / "cache")
    assert alice.mega("mkdir", "/docs/new").code == 0
    before = snapshot(device.home)
    ran = ask(device, "mega ls /docs/n", MEGA_LOG="debug")

    assert (ran.stdout, ran.stderr) == ("plain,/docs/new/\n", "")
    assert snapshot(device.home) == before


def test_offline_completion_is_silent(tmp_path: Path) -> None:
    """A device that knows no account, and one without a server."""
    assert (ask(Device(tmp_path), "mega ls /d").stdout.strip(), ask(Device(tmp_path), "mega ls /d").stderr) == ("", "")


def test_a_server_that_never_answers_is_given_up(alice: Device, tmp_path: Path) -> None:
    """It listens and says nothing; the shell gets an empty answer while the request still waits."""
    device = alice.copy(tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        session = device.state.session_file
        session.write_text(session.read_text().replace(alice.session.server_url, url))
        began_s = time.monotonic()
        ran = ask(device, "mega ls /d")

    assert (ran.stdout.strip(), ran.stderr) == ("", "")
    assert time.monotonic() - began_s < 20, "the client's own timeout is longer than that"


@pytest.mark.parametrize("asked", ["bash_source", "tcsh_complete", "complete"])
def test_a_question_of_no_script_of_ours_is_wrong_usage(alice: Device, asked: str) -> None:
    """Exit 2, without a traceback on the command line."""
    done = ask(alice, "mega ls /", _MEGA_COMPLETE=asked)

    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
