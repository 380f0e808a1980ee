"""`mega-server serve`: run the server until it is told to stop."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import click

from mega_server.config import Config, Signup, normal_origin
from mega_server.options import LOCKED, SETTINGS, CommandError, SizeType, data_option, example
from mega_server.protocol.limits import QUOTA_BYTES
from mega_server.services.backend import initialise, open_backend
from mega_server.services.sweep import sweep
from mega_server.storage.hold import held

_DEFAULT_PORT = 8420


@click.command("serve", context_settings=SETTINGS, epilog=example("mega-server serve --data ./mega-data --port 8420"))
@data_option
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
def command(
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
    from mega_server.serving import Address, PortTakenError, serve  # noqa: PLC0415 -- wrong usage needs no web server

    try:
        fixed_origin = normal_origin(origin) if origin else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--origin") from error
    policy = Signup(signup) if signup else (Signup.OPEN if _is_loopback(host) else Signup.INVITE)
    config = Config(data_dir=data_dir, origin=fixed_origin, signup=policy, quota_bytes=quota, is_verbose=verbose)
    if initialise(config):
        click.echo(f"initialised {data_dir}", err=True)
    try:
        with held(data_dir, is_shared=True):
            _tidy(config)
            serve(config, Address(host, port), workers)
    except PortTakenError as error:
        hint = "stop the other program, or choose a free port with --port 0"
        raise CommandError(LOCKED, f"port {port} of {host} is in use", hint) from error


def _tidy(config: Config) -> None:
    """Remove what serves nobody."""
    backend = open_backend(config)
    try:
        done = sweep(backend, is_dry_run=False)
        if done.leftovers:
            click.echo(f"removed the leftovers of {done.leftovers} killed uploads", err=True)
        if done.doomed_packs:
            click.echo(f"removed {done.doomed_packs} packs of deleted accounts", err=True)
    finally:
        backend.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
