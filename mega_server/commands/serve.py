"""`mega-server serve`: run the server until it is told to stop."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from mega_server.config import Config, Signup, normal_origin
from mega_server.options import FAILED, LOCKED, SETTINGS, CommandError, SizeType, data_option, example
from mega_server.protocol.limits import MIB, QUOTA_BYTES
from mega_server.services.backend import initialise, open_backend
from mega_server.services.sweep import sweep
from mega_server.storage.hold import held

if TYPE_CHECKING:
    from mega_server.serving import Tls

_DEFAULT_PORT = 8420
_FILE = click.Path(dir_okay=False, path_type=Path)


class Options(TypedDict):
    """What `serve` was given."""

    data_dir: Path
    host: str
    port: int
    origin: str
    signup: str | None
    workers: int
    quota: int
    verbose: bool
    log_file: Path | None
    log_size: int
    log_count: int
    tls_cert: Path | None
    tls_key: Path | None
    trusted_proxies: int
    metrics_token_file: Path | None
    abuse_contact: str


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
@click.option("--log-file", type=_FILE, show_envvar=True, help="Log one JSON line a request and an error in this file.")
@click.option(
    "--log-size",
    default=10 * MIB,
    type=SizeType(),
    show_default="10M",
    show_envvar=True,
    help="Put the log file aside when it is so long.",
)
@click.option(
    "--log-count",
    default=5,
    type=click.IntRange(1, 1000),
    show_default=True,
    show_envvar=True,
    help="Old log files to keep.",
)
@click.option(
    "--tls-cert", type=_FILE, show_envvar=True, help="Certificate and its chain, PEM. SIGHUP reads both files again."
)
@click.option("--tls-key", type=_FILE, show_envvar=True, help="The certificate's private key, PEM, without a password.")
@click.option(
    "--trusted-proxies",
    default=0,
    type=click.IntRange(0, 8),
    show_default=True,
    show_envvar=True,
    help="Reverse proxies before this server whose X-Forwarded-For and -Proto are believed.",
)
@click.option(
    "--metrics-token-file",
    type=_FILE,
    show_envvar=True,
    help="Let whoever shows this file's content as a bearer token read /metrics. Default: only this machine may.",
)
@click.option(
    "--abuse-contact",
    default="",
    show_envvar=True,
    help="Where to report abuse, such as an address for mail or of a page. Whoever opens a link is shown it.",
)
def command(**options: Unpack[Options]) -> None:
    """Serve until Ctrl-C or SIGTERM. Prints "listening on URL" on stderr when ready.

    SIGHUP replaces the workers, one after the other: each finishes what it is answering, and the next one reads the
    certificate again.
    """
    from mega_server.serving import Address, AddressError, PortTakenError, TlsError, serve  # noqa: PLC0415 -- wrong usage needs no web server

    data_dir, host, port = options["data_dir"], options["host"], options["port"]
    if not host:  # it would mean every address
        raise click.BadParameter("name an address; 0.0.0.0 listens on all", param_hint="--host")
    config, tls = _config(options), _tls(options)
    if not (tls or _is_loopback(host) or config.origin.startswith("https://")):
        click.echo(
            f"mega-server: warning: {host} is served without TLS: whoever listens on the way can take over sessions; "
            "give --tls-cert and --tls-key, or --origin https://... behind a reverse proxy",
            err=True,
        )
    if initialise(config):
        click.echo(f"initialised {data_dir}", err=True)
    try:
        with held(data_dir, is_shared=True):
            _tidy(config)
            serve(config, Address(host, port, tls), options["workers"], os.environ.get("NOTIFY_SOCKET", ""))
    except PortTakenError as error:
        hint = "stop the other program, or choose a free port with --port 0"
        raise CommandError(LOCKED, f"port {port} of {host} is in use", hint) from error
    except AddressError as error:
        hint = "--host takes an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them"
        raise CommandError(FAILED, str(error), hint) from error
    except TlsError as error:
        hint = "--tls-cert takes the certificate and its chain, --tls-key its key without a password, both PEM"
        raise CommandError(FAILED, str(error), hint) from error


def _config(options: Options) -> Config:
    """Turn options into settings. Raises click.BadParameter."""
    try:
        origin = normal_origin(options["origin"]) if options["origin"] else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--origin") from error
    usual = Signup.OPEN if _is_loopback(options["host"]) else Signup.INVITE
    return Config(
        data_dir=options["data_dir"],
        origin=origin,
        signup=Signup(options["signup"]) if options["signup"] else usual,
        quota_bytes=options["quota"],
        is_verbose=options["verbose"],
        log_file=options["log_file"],
        log_bytes=options["log_size"],
        log_count=options["log_count"],
        trusted_proxies=options["trusted_proxies"],
        metrics_token_file=options["metrics_token_file"],
        contact=options["abuse_contact"],
    )


def _tls(options: Options) -> Tls | None:
    """Name the certificate, if there is one. Raises click.UsageError for half of it."""
    from mega_server.serving import Tls  # noqa: PLC0415 -- as above

    cert, key = options["tls_cert"], options["tls_key"]
    if (cert is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    return Tls(cert, key) if cert is not None and key is not None else None


def _tidy(config: Config) -> None:
    """Remove what serves nobody. What does not let itself be removed is said, and keeps nobody from being served."""
    backend = open_backend(config)
    try:
        done = sweep(backend, is_dry_run=False)
    except OSError as error:
        click.echo(f"mega-server: warning: the sweep stopped: {error.strerror}: {error.filename}", err=True)
    else:
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
