"""Writes `docs/cli.md` and `docs/config.md` from the commands, `docs/exit-codes.md` from the errors.

`test_cli_docs.py` holds the files to what this module would write. It is no part of the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import click

from mega_cli.errors import MegaError
from mega_cli.main import COMMANDS, mega
from mega_cli.options.command import MegaCommand, MegaGroup
from mega_cli.options.settings import every_setting

DOCS: Final = Path(__file__).parents[2] / "docs"
_WIDTH: Final = 100

_CLI_START: Final = """\
# Commands

This file is generated: `make docs` writes it from the commands themselves.

- **Results** go to stdout; progress, notes and errors to stderr. `--json` prints JSON: one document for a query, one
  document a line for `put`, `get` and `quickstart`, each with a `message_type` of `status`, `verbose`, `error` or
  `summary`; a failure ends with an `exit_error` document on stderr. Fields are only ever added.
- **Every option** is also an environment variable: `MEGA_PUT_EXCLUDE='*.log *.tmp'` is `--exclude '*.log'
  --exclude '*.tmp'`. `MEGA_SERVER`, `MEGA_ACCOUNT`, `MEGA_PASSWORD_FILE` and `MEGA_PASSWORD_COMMAND` serve every
  command that has the option; `MEGA_HOME` moves everything mega keeps under one folder; `NO_COLOR` means `--no-color`.
- **Several accounts** on one device are profiles: `mega --profile NAME COMMAND`, or `MEGA_PROFILE`, chooses one that
  `mega whoami --all` lists; otherwise it is the one that logged in last.
- **A password** is never an argument. The first of these counts: `--password-file FILE` (`-` is standard input,
  `/dev/fd/3` a descriptor), `--password-command COMMAND`, the variable `MEGA_PASSWORD`, a question on the terminal.
  An invitation comes from `--invite-file FILE` or the variable `MEGA_INVITE`.
- **A link** stands wherever `ls`, `tree`, `find`, `du`, `cat`, `get` and `import` take a remote path: `LINK`, or
  `LINK:/path` for something below it. No account is needed. Other users of the machine can see a link in an argument:
  the word `link:` (or `link:/path`) stands for the one in the variable `MEGA_LINK`, or is asked for. A link's password
  comes from `--link-password-file`, `--link-password-command`, `MEGA_LINK_PASSWORD` or a question; `mega share` and
  `mega shares edit` call the first two `--password-file` and `--password-command`, and ask with `--password`.
- **A remote path** starts at `/`, written or not. `--` ends the options. Names are printed with control characters
  escaped; JSON has them exact.
- **Ctrl-C** stops within a second and says how to go on. [Exit codes](exit-codes.md) are the same everywhere.
"""

_EXIT_START: Final = """\
# Exit codes

This file is generated: `make docs` writes it from `mega_cli/errors.py`. `name` is what `--json` says in `exit_error`.

| code | name | meaning |
|---|---|---|
| 0 | | Success. |
"""

_EXIT_END: Final = """
When the reader of stdout goes away (`mega ls | head`), the command ends quietly with 1.
"""


_CONFIG_START: Final = """\
# Settings

This file is generated: `make docs` writes it from the options of the commands.

`config.toml` lies in the configuration folder (`~/.config/mega` on Linux, `MEGA_HOME` where that is set); `mega config
show` names the file with `--json`, and `mega config set`, `unset` and `edit` change it and leave comments alone.
A setting is the default of an option. What comes first counts: the option, its `MEGA_` variable, `config.toml`, the
built-in default; `mega config show --origin` says which it was. No secret is a setting. An unknown key or a value that
the option would refuse ends the command with exit code 2 and names the file and the key.

```toml
transfers = 4                 # at the top: for every command that has --transfers
[put]
exclude = ["*.tmp", ".cache/"]
[get]
overwrite = "if-changed"
```

| key | default for |
|---|---|
"""


def config_document() -> str:
    """Write `docs/config.md`."""
    rows = []
    for key, setting in every_setting(mega).items():
        option = max(setting.option.opts, key=len)
        where = f"`mega {' '.join(key.split('.')[:-1])} {option}`" if "." in key else f"`{option}`, wherever it exists"
        rows.append(f"| `{key}` | {where} |\n")
    return _CONFIG_START + "".join(rows)


def cli_document() -> str:
    """Write `docs/cli.md`."""
    parts = [_CLI_START]
    for section, names in COMMANDS.items():
        parts.append(f"\n## {section}\n")
        parts.extend(f"\n### mega {words}\n\n```text\n{help_of(words)}\n```\n" for words in with_subcommands(names))
    return "".join(parts)


def exit_document() -> str:
    """Write `docs/exit-codes.md`."""
    # Other modules refine these classes; the codes are those of the tree itself.
    kinds = [kind for kind in _kinds(MegaError) if kind.__module__ == MegaError.__module__]
    rows = sorted((kind.exit_code, kind.name, _meaning(kind)) for kind in kinds)
    return _EXIT_START + "".join(f"| {code} | `{name}` | {meaning} |\n" for code, name, meaning in rows) + _EXIT_END


def with_subcommands(names: Iterable[str]) -> Iterator[str]:
    """Name each command, and after a group the commands in it: "trash", "trash ls"."""
    for name in names:
        yield name
        found = command_named(name)
        if isinstance(found, MegaGroup):
            yield from (f"{name} {below}" for below in found.commands)


def command_named(words: str) -> MegaCommand:
    """Load a command by the words after `mega`."""
    name, _, below = words.partition(" ")
    found = mega.get_command(click.Context(mega), name)
    if below:
        assert isinstance(found, MegaGroup)
        found = found.commands[below]
    assert isinstance(found, MegaCommand)
    return found


def context_of(words: str) -> click.Context:
    """Make the context of a command as `mega WORDS` would, at a fixed width."""
    context = click.Context(mega, info_name="mega", terminal_width=_WIDTH, max_content_width=_WIDTH)
    for count, name in enumerate(words.split(), 1):
        context = click.Context(command_named(" ".join(words.split()[:count])), info_name=name, parent=context)
    return context


def help_of(words: str) -> str:
    """Render `mega WORDS --help`."""
    return context_of(words).get_help().rstrip()


def _kinds(kind: type[MegaError]) -> Iterator[type[MegaError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def _meaning(kind: type[MegaError]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]


def main() -> None:
    """Write all files."""
    (DOCS / "cli.md").write_text(cli_document(), encoding="utf-8")
    (DOCS / "config.md").write_text(config_document(), encoding="utf-8")
    (DOCS / "exit-codes.md").write_text(exit_document(), encoding="utf-8")


if __name__ == "__main__":
    main()
