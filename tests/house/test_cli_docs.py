"""The documents of the commands and the exit codes say what the code does."""

from __future__ import annotations

import configparser
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from mega_cli.main import COMMANDS, VERSION, mega
from mega_cli.options.settings import check_document, every_setting
from tests.house.make_docs import (
    DOCS,
    cli_document,
    command_named,
    config_document,
    context_of,
    exit_document,
    with_subcommands,
)

NAMES = [name for section in COMMANDS.values() for name in section]
COMMAND_WORDS = list(with_subcommands(NAMES))
A_LINK = f"https://cloud.example.org/s/{'A' * 22}#AQ{'A' * 65}"
SECRET_WORDS = {"password", "secret", "token", "invite", "passphrase", "key"}


def test_the_command_reference_is_in_step() -> None:
    """`docs/cli.md` is what the commands' own help says; `make docs` mends it."""
    assert (DOCS / "cli.md").read_text(encoding="utf-8") == cli_document()


def test_the_list_of_settings_is_in_step() -> None:
    """`docs/config.md` is what the options say; `make docs` mends it."""
    assert (DOCS / "config.md").read_text(encoding="utf-8") == config_document()


def test_the_example_of_the_settings_is_valid() -> None:
    """Whoever pastes it has a config.toml that every command takes."""
    example = (DOCS / "config.md").read_text(encoding="utf-8").split("```")[1].removeprefix("toml")

    assert len(check_document(tomllib.loads(example), every_setting(mega), Path("config.toml"))) == 3


def test_no_secret_is_a_setting() -> None:
    """A file or a command that gives one may be named."""
    for key, setting in every_setting(mega).items():
        spelled = set(re.split(r"[._-]", key))
        assert setting.option.is_flag or not spelled & SECRET_WORDS or spelled & {"file", "command"}, key


def test_the_exit_codes_are_in_step() -> None:
    """`docs/exit-codes.md` is what the error tree says; `make docs` mends it."""
    assert (DOCS / "exit-codes.md").read_text(encoding="utf-8") == exit_document()


def test_every_command_file_is_in_the_table() -> None:
    """A command that nobody can call, or a line without a command, is a mistake."""
    files = (DOCS.parent / "mega_cli" / "commands").glob("[!_]*.py")

    assert sorted(file.stem.replace("_", "-") for file in files) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_repeats_the_first_line_of_the_help(name: str) -> None:
    """`mega --help` imports no command, so its lines are written twice: here they are held equal."""
    line = {key: value for section in COMMANDS.values() for key, value in section.items()}[name]

    assert (command_named(name).help or "").splitlines()[0] == line


@pytest.mark.parametrize("words", COMMAND_WORDS)
def test_every_command_has_an_example_of_itself(words: str) -> None:
    """Each help ends with examples that call the command."""
    command = command_named(words)

    assert command.examples
    for example in command.examples:
        assert f"mega {words}" in example


@pytest.mark.parametrize("words", COMMAND_WORDS)
def test_the_examples_parse(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option in an example exists and takes what it is given."""
    monkeypatch.setenv("MEGA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "company-ca.pem").touch()  # a file that one of them names must exist
    for example in command_named(words).examples:
        monkeypatch.setenv("MEGA_LINK", A_LINK)  # whoever reads it takes it out of the environment
        called = next(part for part in example.split(" | ") if f"mega {words}" in part)
        given = shlex.split(called)
        assert given[: 1 + len(words.split())] == ["mega", *words.split()]
        parent = context_of(words).parent
        command_named(words).make_context(words.rsplit(maxsplit=1)[-1], given[1 + len(words.split()) :], parent=parent)


@pytest.mark.parametrize("words", COMMAND_WORDS)
def test_every_option_says_what_it_does(words: str) -> None:
    """An option without a sentence cannot be chosen."""
    options = [parameter for parameter in command_named(words).params if isinstance(parameter, click.Option)]

    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("words", COMMAND_WORDS)
def test_every_option_is_a_variable_too(words: str) -> None:
    """MEGA_<COMMAND>_<OPTION>, by the option's long name, before a variable that serves all commands."""
    for option in command_named(words).params:
        if isinstance(option, click.Option):
            spelled = max(option.opts, key=len).strip("-").replace("-", "_")
            assert option.envvar is not None
            assert option.envvar[0] == f"MEGA_{words.replace(' ', '_').replace('-', '_')}_{spelled}".upper()


@pytest.mark.parametrize("words", COMMAND_WORDS)
def test_no_command_takes_a_secret_as_an_argument(words: str) -> None:
    """Arguments are seen by every user of the machine (T71): a secret's option names a file or a command."""
    for parameter in command_named(words).params:
        spelled = set(max(parameter.opts, key=len).strip("-").split("-"))
        is_switch = isinstance(parameter, click.Option) and parameter.is_flag
        assert is_switch or not spelled & SECRET_WORDS or spelled & {"file", "command"}, parameter.opts


def test_the_version_is_that_of_the_package() -> None:
    """`mega --version` does not read the installed metadata, so the two are held equal here."""
    setup = configparser.ConfigParser()
    setup.read(DOCS.parent / "setup.cfg", encoding="utf-8")

    assert setup["metadata"]["version"] == VERSION


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_a_start_loads_nothing_heavy(arguments: list[str]) -> None:
    """`mega --version` and `mega --help` import no command, no network, no cryptography, no display."""
    script = (
        "import sys; from mega_cli.main import main; code = main(sys.argv[1:]); "
        "heavy = {'httpx', 'rich', 'nacl', 'sqlite3', 'msgspec', 'importlib.metadata', 'mega_cli.account'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False, cwd=DOCS.parent
    )

    assert (done.returncode, done.stderr) == (0, "")
