"""`mega config`, and what config.toml does to other commands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from mega_cli.volume.requests import GetOptions
from tests.unit.commands.conftest import FakeVolume, Run
from tests.unit.commands.test_files import GET


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the place of config.toml in the home of `run`; it is not there yet."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home/config.toml"


@pytest.fixture
def asked(volume: FakeVolume, monkeypatch: pytest.MonkeyPatch) -> list[GetOptions]:
    """Have `get` note its options."""
    found: list[GetOptions] = []
    volume.calls.clear()

    def get(*words: object) -> object:
        found.extend(word for word in words if isinstance(word, GetOptions))
        return GET

    monkeypatch.setattr("mega_cli.commands.get.get", get)
    return found


@pytest.mark.parametrize(
    ("words", "variable", "expected"),
    [((), "", "if-newer"), ((), "never", "never"), (("--overwrite", "always"), "never", "always")],
)
def test_an_option_goes_before_a_variable_before_the_file(
    run: Run,
    file: Path,
    asked: list[GetOptions],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    variable: str,
    expected: str,
) -> None:
    """And all of them before the default."""
    file.write_text('[get]\noverwrite = "if-newer"\n')
    if variable:
        monkeypatch.setenv("MEGA_GET_OVERWRITE", variable)

    assert run("get", "/a", *words).code == 0
    assert asked[0].overwrite == expected


def test_a_key_at_the_top_serves_every_command(run: Run, file: Path, asked: list[GetOptions]) -> None:
    """A command's own key goes before it."""
    file.write_text("transfers = 2\n")
    run("get", "/a")
    file.write_text("transfers = 2\n[get]\ntransfers = 4\n")
    run("get", "/a")

    assert [options.transfers for options in asked] == [2, 4]


def test_a_repeated_option_is_a_list(run: Run, file: Path, asked: list[GetOptions]) -> None:
    """One text stands for a list of one."""
    file.write_text('[get]\nexclude = ["*.a", "*.b"]\ninclude = "keep.a"\n')
    run("get", "/a")

    filters = asked[0].filters
    assert [filters.excludes(name, False) for name in ("x.a", "x.b", "keep.a", "x.c")] == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[get]\noverwrit = 1\n", "there is no setting get.overwrit"),
        ("overwrite = 'never'\n", "there is no setting overwrite"),
        ("[frob]\nx = 1\n", "there is no setting frob"),
        ("[get]\noverwrite = 'maybe'\n", "get.overwrite: 'maybe' is not one of"),
        ("[get]\ntransfers = 1000\n", "get.transfers: 1000 is not in the range"),
        ("[get]\ntransfers = [1]\n", "get.transfers cannot be a list"),
        ("[get]\nexclude = true\n", "get.exclude cannot be true or false"),
        ("[get]\nbwlimit = 12.5\n", "get.bwlimit: "),
        ("[get]\ndry_run = true\n", "there is no setting get.dry_run"),
        ("get = 3\n", "get is a table of settings, and a value stands there"),
        ("[get\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1"),
        ("\udcff", "is not TOML: 'utf-8' codec"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_key(
    run: Run, file: Path, asked: list[GetOptions], text: str, said: str
) -> None:
    """Exit code 2, before anything is done; `config` itself says the same."""
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    ran = run("get", "/a")

    assert (ran.code, asked) == (2, [])
    assert ran.err.startswith(f"mega: error: {file}")
    assert said in ran.err
    if "\n" in text:
        assert run("config", "show").code == 2
    assert run("get", "--help").code == 0


@pytest.mark.parametrize(
    "text", ["[get]\noverwrit = 1\n", "frob = 1\n", "'a b' = 1\n", "[get]\ntransfers = [1]\n", "get = 3\n"]
)
def test_the_hint_mends_the_file(run: Run, file: Path, text: str) -> None:
    """Pasted as it is; `config show` could not, it meets the same mistake."""
    file.write_text(text)
    hint = run("config", "show").err.rpartition("hint: ")[2]

    assert run(*shlex.split(hint)[1:]).code == 0
    assert run("config", "show").code == 0


def test_a_refused_value_leaves_the_one_that_is_set(run: Run, file: Path) -> None:
    """The hint shows it, and does not take it out."""
    file.write_text("[get]\ntransfers = 2\n")
    ran = run("config", "set", "get.transfers", "99")

    assert ran.err.endswith("hint: mega config show get.transfers\n")


def test_another_commands_mistake_is_not_ours(run: Run, file: Path, asked: list[GetOptions]) -> None:
    """A get does not import put to judge its settings."""
    file.write_text("[put]\nfrob = 1\n")

    assert run("get", "/a").code == 0
    assert asked


def test_set_and_unset_leave_comments_alone(run: Run, file: Path) -> None:
    """What the user wrote stays where it was."""
    file.write_text("# mine\ntransfers = 2  # few\n\n[put] # uploads\nexclude = ['a']\n")

    assert run("config", "set", "put.exclude", "*.tmp", "*.log").code == 0
    assert run("config", "set", "get.overwrite", "if-changed").code == 0
    assert run("config", "set", "transfers", "3").code == 0
    assert run("config", "unset", "put.exclude").code == 0
    assert file.read_text() == ('# mine\ntransfers = 3  # few\n\n[put] # uploads\n\n[get]\noverwrite = "if-changed"\n')


def test_a_value_is_written_as_what_it_is(run: Run, file: Path) -> None:
    """Switches, numbers, texts, lists; and a group's command has a table in a table."""
    for words in (("ls.human", "yes"), ("du.max_depth", "2"), ("get.exclude", "x"), ("trash.empty.older_than", "30d")):
        assert run("config", "set", *words).code == 0

    assert file.read_text().split() == [
        *("[ls]", "human", "=", "true", "[du]", "max_depth", "=", "2", "[get]", "exclude", "=", '["x"]'),
        *("[trash.empty]", "older_than", "=", '"30d"'),
    ]
    assert run("config", "show").code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "get.overwrite", "maybe"), 2),
        (("set", "get.overwrite", "never", "always"), 2),
        (("set", "get.frob", "1"), 2),
        (("set", "ls.human", "maybe"), 2),
        (("unset", "get.overwrite"), 4),
        (("show", "frob"), 4),
    ],
)
def test_what_is_wrong_is_not_written(run: Run, file: Path, words: tuple[str, ...], code: int) -> None:
    """No file is made for a mistake."""
    assert run("config", *words).code == code
    assert not file.exists()


def test_show_says_where_each_value_comes_from(run: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable by name, the file by path and key, or the default."""
    file.write_text("transfers = 2\n[put]\nexclude = ['a', 'b']\n")
    monkeypatch.setenv("MEGA_GET_OVERWRITE", "never")
    shown = {one["key"]: one for one in json.loads(run("config", "show", "--json").out)["settings"]}

    assert shown["get.overwrite"] == {
        "key": "get.overwrite",
        "value": "never",
        "origin": "environment MEGA_GET_OVERWRITE",
    }
    assert shown["put.exclude"] == {"key": "put.exclude", "value": ["a", "b"], "origin": str(file)}
    assert shown["get.transfers"] == {"key": "get.transfers", "value": 2, "origin": f"{file} (transfers)"}
    assert shown["ls.human"]["origin"] == "default"
    assert ["put.exclude", "a", "b", f"({file})"] in [
        line.split() for line in run("config", "show", "--origin", "put").out.splitlines()
    ]


def test_edit_opens_the_editor_and_checks(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is made first; what the editor left is judged."""
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\necho '[get' >> \"$1\"\n")
    editor.chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "true")

    assert run("config", "edit").code == 0
    assert file.exists()
    monkeypatch.setenv("EDITOR", str(editor))
    assert run("config", "edit").code == 2


def test_a_linked_file_stays_a_link(run: Run, file: Path, tmp_path: Path) -> None:
    """Keepers of dotfiles link it."""
    real = tmp_path / "dotfiles.toml"
    real.write_text("# kept\n")
    file.symlink_to(real)
    run("config", "set", "transfers", "3")

    assert file.is_symlink()
    assert real.read_text() == "# kept\ntransfers = 3\n"


@pytest.mark.parametrize("words", [("--log-level", "info", "whoami"), ("whoami", "--log-level", "info")])
def test_the_log_is_opened_by_option(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Before or after the command; it keeps the command's name and its exit code."""
    run(*words)

    log = (tmp_path / "home/logs/mega.log").read_text()
    assert log.count("mega whoami ended with 10") == 1


def test_the_log_level_may_be_a_setting(run: Run, file: Path, tmp_path: Path) -> None:
    """One key for every command."""
    file.write_text('log_level = "info"\n')
    run("whoami")

    assert "mega whoami ended with 10" in (tmp_path / "home/logs/mega.log").read_text()
