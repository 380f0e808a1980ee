"""The command `mega-server`: from options and environment to one service call, from errors to an exit code.

Every error is a clear sentence and a hint. It is the only file of the server that reads the environment, and the only
one that prints for people.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import IO, ParamSpec

import click

from mega_server.config import Config, Signup, normal_origin
from mega_server.protocol.errors import ERROR_KINDS
from mega_server.protocol.limits import GIB, KIB, MIB, QUOTA_BYTES
from mega_server.refusal import RefusedError
from mega_server.services.accounts import reserve_name
from mega_server.services.backend import initialise, open_backend
from mega_server.services.checks import check as check_backend
from mega_server.services.checks import drop_leftovers

P = ParamSpec("P")
_FAILED, _NOT_INITIALISED, _LOCKED, _PERMISSION, _INTEGRITY = 1, 10, 11, 13, 14
_DEFAULT_PORT = 8420
# Every option also comes as MEGA_SERVER_<OPTION>, whatever the command.
_SETTINGS = {"auto_envvar_prefix": "MEGA_SERVER"}
_UNITS = {"K": KIB, "M": MIB, "G": GIB, "T": 1024 * GIB}


def _example(line: str) -> str:
    """Write the example below a command's help; the first character keeps click from joining the lines."""
    return f"\b\nExample:\n  {line}"


class CommandError(click.ClickException):
    """A command failed: what went wrong, what to do about it, and the exit code of `docs/exit-codes.md`."""

    def __init__(self, exit_code: int, message: str, hint: str = "") -> None:
        """Keep a sentence and a hint."""
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares it on the class, and reads it from self
        self.hint = hint

    def show(self, file: IO[str] | None = None) -> None:
        """Print the sentence and the hint on stderr."""
        click.echo(f"mega-server: error: {self.message}", file=file, err=True)
        if self.hint:
            click.echo(f"mega-server: hint: {self.hint}", file=file, err=True)


class SizeType(click.ParamType[int]):
    """A size such as 50G; K M G T are 1024-based."""

    name = "size"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the size in bytes."""
        if isinstance(value, int):
            return value
        digits, unit = (value[:-1], value[-1:].upper()) if value[-1:].upper() in _UNITS else (value, "")
        if not digits.isascii() or not digits.isdecimal():
            self.fail(f"{value!r} is no size; write 500M or 50G", param, ctx)
        return int(digits) * _UNITS.get(unit, 1)


def _translated(command: Callable[P, None]) -> Callable[P, None]:
    """Turn the system's refusals into sentences."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except RefusedError as error:
            raise CommandError(ERROR_KINDS[error.code].exit_code, error.message) from error
        except PermissionError as error:
            message = f"no permission for {error.filename or 'this address'}"
            hint = "run as the folder's owner, or choose another --data or --port"
            raise CommandError(_PERMISSION, message, hint) from error
        except OSError as error:
            message = f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)
            raise CommandError(_FAILED, message, "see that the folder's disk is there and not full") from error

    return update_wrapper(wrapper, command)


_data_option = click.option(
    "--data",
    "data_dir",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    envvar="MEGA_SERVER_DATA",
    show_envvar=True,
    help="Folder that holds everything the server keeps.",
)


@click.group(context_settings=_SETTINGS, epilog=_example("mega-server serve --data ./mega-data"))
@click.version_option(package_name="mega-cli", prog_name="mega-server")
def main() -> None:
    """Serve encrypted volumes. The server holds no key and sees no name, size or content of a file."""


@main.command(context_settings=_SETTINGS, epilog=_example("mega-server init --data ./mega-data"))
@_data_option
@_translated
def init(data_dir: Path) -> None:
    """Make a data folder. Safe to repeat; `serve` does it too."""
    is_new = initialise(Config(data_dir=data_dir))
    click.echo(f"initialised {data_dir}" if is_new else f"{data_dir} was initialised before; nothing changed")


@main.command(context_settings=_SETTINGS, epilog=_example("mega-server serve --data ./mega-data --port 8420"))
@_data_option
@click.option("--host", default="127.0.0.1", show_default=True, show_envvar=True, help="Address to listen on.")
@click.option(
    "--port",
    default=_DEFAULT_PORT,
    type=click.IntRange(0, 65535),
    show_default=True,
    show_envvar=True,
    help="Port to listen on; 0 takes a free one and prints it.",
)
@click.option(
    "--origin",
    default="",
    show_envvar=True,
    help="Public URL of this server, which accounts are bound to. Set it behind a reverse proxy, and never change it.",
)
@click.option(
    "--signup",
    type=click.Choice([policy.value for policy in Signup]),
    default=None,
    show_envvar=True,
    help="Who may make accounts. Default: open on loopback, else invite.",
)
@click.option(
    "--workers", default=1, type=click.IntRange(1, 64), show_default=True, show_envvar=True, help="Worker processes."
)
@click.option(
    "--quota",
    default=QUOTA_BYTES,
    type=SizeType(),
    show_default="50G",
    show_envvar=True,
    help="What a new account may store.",
)
@click.option("--verbose", "-v", is_flag=True, show_envvar=True, help="Log one JSON line a request on stderr.")
@_translated
def serve(
    *,
    data_dir: Path,
    host: str,
    port: int,
    origin: str,
    signup: str | None,
    workers: int,
    quota: int,
    verbose: bool,
) -> None:
    """Serve until Ctrl-C or SIGTERM. Prints "listening on URL" on stderr when ready."""
    from mega_server.serving import Address, PortTakenError  # noqa: PLC0415 -- the other commands need no web server
    from mega_server.serving import serve as run_server  # noqa: PLC0415 -- as above

    try:
        fixed_origin = normal_origin(origin) if origin else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--origin") from error
    policy = Signup(signup) if signup else (Signup.OPEN if _is_loopback(host) else Signup.INVITE)
    config = Config(data_dir=data_dir, origin=fixed_origin, signup=policy, quota_bytes=quota, is_verbose=verbose)
    if initialise(config):
        click.echo(f"initialised {data_dir}", err=True)
    _tidy(config)
    try:
        run_server(config, Address(host, port), workers)
    except PortTakenError as error:
        hint = "stop the other program, or choose a free port with --port 0"
        raise CommandError(_LOCKED, f"port {port} of {host} is in use", hint) from error


@main.group()
def user() -> None:
    """Manage who may have an account."""


@user.command("add", context_settings=_SETTINGS, epilog=_example("mega-server user add alice --data ./mega-data"))
@click.argument("name")
@_data_option
@_translated
def add_user(name: str, data_dir: Path) -> None:
    """Reserve NAME and print the code that its owner gives to `mega signup`, once, within seven days.

    The server holds no key, so only the owner can make the account. Adding NAME again replaces the code.
    """
    backend = open_backend(_existing(data_dir))
    try:
        click.echo(reserve_name(backend, name))
    finally:
        backend.close()


@main.command(context_settings=_SETTINGS, epilog=_example("mega-server check --read-data --data ./mega-data"))
@_data_option
@click.option("--read-data", is_flag=True, show_envvar=True, help="Read every blob and compare its SHA-256.")
@_translated
def check(data_dir: Path, *, read_data: bool) -> None:
    """See that every stored blob is there. Changes nothing; exit 14 when something is damaged."""
    backend = open_backend(_existing(data_dir))
    damaged = orphans = 0
    try:
        for finding in check_backend(backend, reads_data=read_data):
            damaged += finding.is_damage
            orphans += not finding.is_damage
            kind = "damaged" if finding.is_damage else "orphan"
            click.echo(f"{kind} {finding.volume.hex()}/{finding.pack.hex()}: {finding.what}")
    finally:
        backend.close()
    if damaged:
        hint = "restore these packs from a copy, or let their owners upload again: docs/operations.md, Repair"
        raise CommandError(_INTEGRITY, f"{damaged} packs or blobs are damaged", hint)
    click.echo(f"no damage; {orphans} orphan packs")


def _tidy(config: Config) -> None:
    """Remove what killed uploads left long ago."""
    backend = open_backend(config)
    try:
        if dropped := drop_leftovers(backend):
            click.echo(f"removed the leftovers of {dropped} killed uploads", err=True)
    finally:
        backend.close()


def _existing(data_dir: Path) -> Config:
    """Refuse a folder that holds no server, rather than make one by a slip of the pen."""
    config = Config(data_dir=data_dir)
    if not (data_dir / "mega.db").exists():
        hint = f"make one with: mega-server init --data {data_dir}"
        raise CommandError(_NOT_INITIALISED, f"{data_dir} holds no server", hint)
    initialise(config)
    return config


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run() -> None:
    """Run the command line."""
    main(prog_name="mega-server")
