"""The lazy table of commands, the global options, and the one place where an error becomes a message and an exit code.

`mega --version` and `mega --help` import no command: the table below holds each command's one line, and a command's
module is imported when it is called. This module never decides anything a command could decide.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from mega_cli.errors import BugError, InterruptedRunError, MegaError, PermissionRefusedError, UsageError
from mega_cli.options.command import console_options
from mega_cli.output.console import Console
from mega_cli.output.interrupt import stop_on_signals
from mega_cli.system.streams import open_closed_streams

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VERSION: Final = "0.1.0"
"""Stands here and not in the installed metadata: reading that costs 25 ms of every start. A test keeps them equal."""
_YOUNG_OBJECTS: Final = 50_000

_PROFILE: Final = "MEGA_PROFILE"

COMMANDS: Final[dict[str, dict[str, str]]] = {
    "Start": {
        "quickstart": "Start a server on this machine, store a folder, prove it, and mirror it.",
        "doctor": "Look for trouble and say what mends it.",
    },
    "Account": {
        "signup": "Create an account on a server.",
        "login": "Sign in on this device.",
        "logout": "Sign out and forget this device's keys.",
        "whoami": "Show the account, its server, quota and fingerprint.",
        "passwd": "Change the password.",
        "recover": "Come back with the recovery kit.",
        "sessions": "List the signed-in devices, or sign some of them out.",
        "delete-account": "Delete the account and everything in it, for good.",
        "state": "Show the newest revision and six words to compare it by.",
        "trust": "Show what this device pins, or accept what the server shows instead.",
    },
    "Files": {
        "ls": "List a folder.",
        "tree": "Draw what lies below a folder.",
        "find": "Look for files, folders and links.",
        "du": "Show how much folders hold.",
        "df": "Show quota, used and free space.",
        "cat": "Print files.",
        "mkdir": "Make folders.",
        "put": "Store files and folders.",
        "get": "Fetch files and folders.",
        "mv": "Move or rename, uploading nothing.",
        "cp": "Copy, uploading nothing.",
        "rm": "Move to the trash.",
        "trash": "List what was removed, put it back, or empty the trash.",
    },
    "Share": {
        "share": "Make a link to a file or folder.",
        "shares": "List the links there are, change them, end them, and see when they were opened.",
        "import": "Copy what a link names into your own files.",
    },
    "Sync": {
        "sync": "Keep a local and a remote folder the same.",
        "syncs": "List the folders that are synced; pause, resume or hurry them, sync one no more.",
        "status": "Show how the synced folders stand, or a file or folder in them.",
        "why": "Say why a file is synced, waits or is left out.",
        "conflicts": "List files that were changed on both sides, and settle them.",
        "held": "List deletions that wait for your word, approve or reject them.",
    },
    "Daemon": {
        "daemon": "Start and stop the process that syncs in the background, and read its log.",
        "autostart": "Have the daemon start with the machine, or no more.",
    },
    "Settings": {
        "completion": "Print the script that completes commands, options and remote paths.",
        "config": "Show, set and edit the defaults of all options.",
        "bwlimit": "Show or set the bandwidth limit, also of running transfers.",
    },
}


class CommandTable(click.Group):
    """The group `mega`: finds a command's module by its name in the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Name the commands in the table's order."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one command that was called."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"mega_cli.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        """Write the table, importing nothing."""
        for section, lines in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl(list(lines.items()))


def _complete_profile(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    from mega_cli.options.completion import complete_profile  # noqa: PLC0415 -- only when a shell asks

    return complete_profile(context, parameter, typed)


mega = CommandTable(
    "mega",
    params=[
        *console_options(),
        click.Option(
            ["--profile"],
            shell_complete=_complete_profile,
            metavar="NAME",
            is_eager=True,
            expose_value=False,
            help="Use this account of several: a name that `mega whoami --all` shows (also: MEGA_PROFILE).",
            callback=lambda context, _parameter, value: _choose_profile(context, value) if value else None,
        ),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            allow_from_autoenv=False,
            help="Print the version.",
            callback=lambda context, _parameter, value: _print_version(context) if value else None,
        ),
    ],
    context_settings={"auto_envvar_prefix": "MEGA"},
    help="End-to-end encrypted cloud storage: only you hold the keys.",
    epilog="New here? Begin with: mega quickstart\n\n`mega COMMAND --help` shows a command's options and examples.",
)


def _choose_profile(context: click.Context, name: str) -> None:
    """Name the profile for everything below and for child processes, until this command line ends."""
    before = os.environ.get(_PROFILE)
    os.environ[_PROFILE] = name
    context.meta[_PROFILE] = name  # for completion, which looks when the command line has ended

    def restore() -> None:
        os.environ.pop(_PROFILE)
        if before is not None:
            os.environ[_PROFILE] = before

    context.call_on_close(restore)


def _print_version(context: click.Context) -> NoReturn:
    sys.stdout.write(f"mega {VERSION}\n")
    context.exit()


def main(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code, which the log keeps with the command's name."""
    console = Console()
    code = _run(console, arguments)
    if console.log_level:
        import logging  # noqa: PLC0415 -- the log is open, so it is loaded

        names = {name for section in COMMANDS.values() for name in section}
        called = next((word for word in arguments if word in names), "")
        logging.getLogger("mega").info("mega %s ended with %d", called, code)
    return code


def _run(console: Console, arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code. Every error is printed here and nowhere else."""
    try:
        with stop_on_signals(console), mega.make_context("mega", list(arguments), obj=console) as context:
            mega.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as nothing_asked:
        click.echo(nothing_asked.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as misuse:
        # The parser may have failed before it saw `--json`; a script that asked for JSON gets JSON all the same.
        console.is_json = console.is_json or "--json" in arguments
        return _report(console, _usage_error(misuse))
    except (KeyboardInterrupt, click.Abort):
        return _report(console, InterruptedRunError("interrupted", console.when_interrupted))
    except MegaError as error:
        return _report(console, error)
    except BrokenPipeError:
        # The reader has what it wanted (`mega ls | head`): end quietly, and give the interpreter's last flush a sink.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return MegaError.exit_code
    except OSError as error:
        return _report(console, _system_error(error))
    except Exception as error:  # noqa: BLE001 -- the one place: whatever else arrives here is a bug of ours
        return _report(console, _bug(error))
    return 0


def run() -> NoReturn:
    """Be the console script `mega`."""
    if "_MEGA_COMPLETE" in os.environ:
        sys.exit(_complete(os.environ["_MEGA_COMPLETE"]))
    open_closed_streams()
    # A name that the terminal's encoding lacks is written as an escape; it must not end the run.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # typeshed: TextIO
    # Imports make many objects and no garbage, and the end of a process need not look for any: 60 of 230 ms.
    gc.set_threshold(_YOUNG_OBJECTS)
    exit_code = _flushed(main(sys.argv[1:]))
    gc.freeze()
    if exit_code == InterruptedRunError.exit_code:
        # Threads that still wait for the network must not hold the process; every file here survives `kill -9`.
        os._exit(exit_code)
    sys.exit(exit_code)


def _flushed(exit_code: int) -> int:
    """Write out what stdout still holds; what cannot be written is no success. The last flush of all gets a sink."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return exit_code or MegaError.exit_code
    return exit_code


def _complete(instruction: str) -> int:
    """Answer a shell that completes."""
    from mega_cli.options.completion import COMPLETE_VARIABLE, completion_class  # noqa: PLC0415 -- only a shell asks

    shell, _, what = instruction.partition("_")
    if what != "complete" or shell not in ("bash", "zsh", "fish"):
        return UsageError.exit_code
    click.echo(completion_class(shell)(mega, {}, "mega", COMPLETE_VARIABLE).complete())
    return 0


def _report(console: Console, error: MegaError) -> int:
    console.error(error)
    return error.exit_code


def _usage_error(misuse: click.ClickException) -> UsageError:
    """Say click's complaint in our voice; the hint is the help of the command that was called."""
    context = misuse.ctx if isinstance(misuse, click.UsageError) else None
    message = misuse.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], f"{context.command_path if context else 'mega'} --help")


def _system_error(error: OSError) -> MegaError:
    """Translate what the system refused and no edge translated: a full disk, a folder that may not be read."""
    where = f": {os.fsdecode(error.filename)}" if error.filename is not None else ""
    kind = PermissionRefusedError if isinstance(error, PermissionError) else MegaError
    return kind(f"{error.strerror or error}{where}")


def _bug(error: Exception) -> BugError:
    """Keep where it happened in the log, and say where that is. Messages and values stay out: they may hold names."""
    import logging  # noqa: PLC0415 -- a start without a bug needs no log
    import traceback  # noqa: PLC0415 -- the same

    sentence = f"this is a bug: {type(error).__name__}"
    try:
        log_file = _start_log()
    except (OSError, MegaError):
        return BugError(sentence, "its details could not be logged: the folder of mega.log cannot be written")
    where = "".join(traceback.format_tb(error.__traceback__))
    logging.getLogger("mega").error("%s\n%s", type(error).__name__, where)
    return BugError(sentence, f"please report it with the last lines of {log_file}")


def _start_log() -> Path:
    """Open the log, unless `--log-level` has, and say where it is."""
    from mega_cli.system.directories import find_directories  # noqa: PLC0415 -- a start without a log needs neither
    from mega_cli.system.logs import start_logging  # noqa: PLC0415 -- the same

    log_file = find_directories().log_file
    start_logging(log_file)
    return log_file
