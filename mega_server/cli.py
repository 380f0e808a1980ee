"""The command `mega-server`: the lazy table of its commands, and the one place where an error gets its exit code.

Every error is a clear sentence and a hint. A command's module is imported when it is called.
"""

from __future__ import annotations

import errno
import importlib
import sqlite3
from typing import Any, Final

import click
from sqlalchemy.exc import DatabaseError, OperationalError

from mega_server.database.engine import NewerSchemaError
from mega_server.options import FAILED, INTEGRITY, LOCKED, PERMISSION, POLICY, SAFETY, SETTINGS, CommandError, example
from mega_server.protocol.errors import ERROR_KINDS
from mega_server.refusal import RefusedError
from mega_server.services.backend import LostDatabaseError
from mega_server.services.backups import OtherServerError
from mega_server.storage.hold import HeldError

COMMANDS: Final = {
    "serve": "Serve until Ctrl-C or SIGTERM.",
    "init": "Make a data folder.",
    "user": "Manage who may have an account.",
    "invite": "Print a code for one new account.",
    "link": "List what is shared by links, and stop one.",
    "check": "See that every stored blob is there.",
    "backup": "Bring a copy up to date, while the server runs.",
    "restore": "Copy a backup to a folder that holds no server yet.",
    "reindex": "Build the blob index again from the packs.",
    "sweep": "Remove what serves nobody.",
    "stats": "Count accounts, packs, blobs and bytes.",
}


class CommandTable(click.Group):
    """The group `mega-server`: finds a command's module by its name in the table, and words what the system refuses."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Name the commands in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- as above
        """Import the one command that was called."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"mega_server.commands.{cmd_name}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- as above
        """Write the table, importing nothing."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 -- click's signature
        """Run a command and turn the system's refusals into sentences."""
        try:
            return super().invoke(ctx)
        except RefusedError as error:
            raise CommandError(ERROR_KINDS[error.code].exit_code, error.message) from error
        except LostDatabaseError as error:
            hint = "bring mega.db back from a backup: docs/operations.md, Lost database"
            raise CommandError(SAFETY, str(error), hint) from error
        except NewerSchemaError as error:
            hint = "upgrade it: pip install --upgrade 'mega-cli[server]'"
            raise CommandError(POLICY, str(error), hint) from error
        except HeldError as error:
            raise CommandError(LOCKED, str(error), "wait until it has ended, or stop it") from error
        except OtherServerError as error:
            raise CommandError(SAFETY, str(error), "name a folder of its own for the copy") from error
        except (OperationalError, sqlite3.OperationalError) as error:
            reason = error.orig if isinstance(error, OperationalError) else error
            hint = "see that no other program has it open, and that its disk is there and not full"
            raise CommandError(FAILED, f"the database cannot be read or written: {reason}", hint) from error
        except (DatabaseError, sqlite3.DatabaseError) as error:
            reason = error.orig if isinstance(error, DatabaseError) else error
            hint = "bring it back from a backup: docs/operations.md, Lost database"
            raise CommandError(INTEGRITY, f"the database is damaged: {reason}", hint) from error
        except PermissionError as error:
            message = f"no permission for {error.filename or 'this address'}"
            hint = "run as the folder's owner, or choose another --data or --port"
            raise CommandError(PERMISSION, message, hint) from error
        except OSError as error:
            message = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
            is_of_disk = error.errno in (errno.ENOSPC, errno.EIO, errno.EROFS)
            hint = "see that the folder's disk is there and not full" if is_of_disk else ""
            raise CommandError(FAILED, message, hint) from error


@click.group(cls=CommandTable, context_settings=SETTINGS, epilog=example("mega-server serve --data ./mega-data"))
@click.version_option(package_name="mega-cli", prog_name="mega-server")
def main() -> None:
    """Serve encrypted volumes. The server holds no key and sees no name, size or content of a file."""


def run() -> None:
    """Run the command line."""
    main(prog_name="mega-server")
