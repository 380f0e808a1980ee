"""The administrator's guide names commands, options and files that exist, and the files under deploy/ are accepted."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest

from mega_cli.main import mega
from mega_server.cli import COMMANDS, main
from mega_server.commands.serve import command as serve
from tests.house.source import ROOT

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DEPLOY = ROOT / "deploy"
BLOCK = re.compile(r"```(?:sh)?\n(.*?)```", re.DOTALL)
PROGRAM = re.compile(r"^(?:.*[ /])?((?:mega-server|mega) [a-z].*)$")
PROGRAMS: dict[str, click.Group] = {"mega": mega, "mega-server": main}


def commands() -> list[str]:
    """Find every line of a block that calls one of the programs, and every such call within a sentence."""
    lines = [line for block in BLOCK.findall(GUIDE) for line in block.splitlines()]
    spoken = re.findall(r"`((?:mega-server|mega) [a-z][^`]*)`", BLOCK.sub("", GUIDE))
    found = [*lines, *spoken]
    return sorted({match.group(1) for line in found if (match := PROGRAM.match(line))})


def parse(line: str) -> None:
    """Find the command and hand its words to its own parser. Raises click.UsageError."""
    program, *words = shlex.split(line)
    command: click.Command = PROGRAMS[program]
    context = click.Context(command, info_name=program)
    while isinstance(command, click.Group):
        assert words, f"{line}: which command?"
        name, *words = words
        below = command.get_command(context, name)
        assert below is not None, f"{line}: there is no {name}"
        command, context = below, click.Context(below, info_name=name, parent=context)
    command.make_parser(context).parse_args(words)


def test_the_guide_has_commands() -> None:
    """Were none found, the next test would hold nothing."""
    assert len(commands()) > 25


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_guide_exists(line: str) -> None:
    """Each has the options that the guide gives it."""
    parse(line)


def test_an_option_that_does_not_exist_is_seen() -> None:
    """The parser refuses what a command does not know."""
    with pytest.raises(click.NoSuchOption):
        parse("mega-server backup /copy --fast --data ./mega-data")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_server_is_in_the_guide(name: str) -> None:
    """An administrator learns of each here."""
    assert re.search(rf"mega-server {name}\b", GUIDE)


@pytest.mark.parametrize("option", [option for option in serve.params if isinstance(option, click.Option)])
def test_every_option_of_serve_is_in_the_guide(option: click.Option) -> None:
    """With its variable."""
    assert f"`{max(option.opts, key=len)}" in GUIDE
    assert f"`{variable_of(option)}`" in GUIDE


def variable_of(option: click.Parameter) -> str:
    """Name the variable that stands for an option."""
    return str(option.envvar or f"MEGA_SERVER_{option.name}".upper())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"(?<!/)deploy/[\w.-]+", GUIDE))))
def test_the_files_it_installs_are_there(path: str) -> None:
    """A file under deploy/ that the guide names exists."""
    assert (ROOT / path).is_file()


def settings() -> list[str]:
    """List the variables that the guide and the files under deploy/ set."""
    text = GUIDE + "".join(file.read_text(encoding="utf-8") for file in DEPLOY.iterdir())
    return sorted(set(re.findall(r"MEGA_SERVER_[A-Z_]+\b", text)))


@pytest.mark.parametrize("variable", settings())
def test_a_variable_is_an_option(variable: str) -> None:
    """A misspelt variable would be ignored without a word."""
    assert variable in {variable_of(option) for option in serve.params}


def run(*command: str | Path) -> str:
    """Run a checker, if it is installed."""
    program = str(command[0])
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say, once the program lies where the units look for it."""
    for unit in DEPLOY.glob("mega-server*.*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/mega/bin/mega-server", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")

    assert run("systemd-analyze", "verify", *sorted(tmp_path.iterdir())) == ""


def test_nginx_takes_the_site(tmp_path: Path) -> None:
    """`nginx -t` accepts it, with a certificate that is there."""
    from tests.kit.certificates import Certificates  # noqa: PLC0415 -- drawn for this test alone

    made = Certificates(tmp_path)
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    site = re.sub(r"/etc/letsencrypt/\S+/fullchain.pem", str(made.cert), site)
    site = re.sub(r"/etc/letsencrypt/\S+/privkey.pem", str(made.key), site)
    paths = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {paths} {site} }}"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")

    run("nginx", "-t", "-c", tmp_path / "nginx.conf")


def test_caddy_takes_the_site() -> None:
    """`caddy adapt` accepts it."""
    run("caddy", "adapt", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile")
