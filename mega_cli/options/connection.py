"""How signup and login name a server and an account, and the network that leads there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import click

from mega_cli.errors import UsageError
from mega_cli.model import Network
from mega_cli.options.command import Decorator
from mega_cli.options.completion import complete_account

account_argument: Decorator = click.argument("account", envvar="MEGA_ACCOUNT")
_server_option = functools.partial(
    click.option,
    "--server",
    "server_url",
    metavar="URL",
    envvar="MEGA_SERVER",
    show_envvar=True,
    help="The server's address, as its accounts know it.",
)
server_option: Decorator = _server_option(required=True)
connect_to_option: Decorator = click.option(
    "--connect-to", default="", metavar="URL", help="Reach the same server at another address."
)
device_name_option: Decorator = click.option(
    "--device-name", default="", metavar="NAME", help="What this device is called in the list of sessions."
)


def known_place_options(function: Callable[..., object]) -> Callable[..., object]:
    """Give a command that may know its account already ACCOUNT, --server ("" when left away) and --connect-to."""
    account = click.argument("account", envvar="MEGA_ACCOUNT", default="", shell_complete=complete_account)
    return account(_server_option(default="")(connect_to_option(function)))


def _network_options(whose: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a command the options of the network; its function gets `network: Network`. `whose` ends their help."""

    def decorate(function: Callable[..., object]) -> Callable[..., object]:
        @click.option(
            "--insecure-http",
            is_flag=True,
            help=f"Allow http:// to another machine, on a network you trust; the password is still never sent{whose}.",
        )
        @click.option(
            "--ca-file",
            metavar="FILE",
            envvar="MEGA_CA_FILE",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help=f"Trust the authorities in this PEM file, and no others{whose}.",
        )
        @click.option(
            "--proxy",
            metavar="URL",
            envvar="MEGA_PROXY",
            default="",
            help=f"Go through this proxy, whatever HTTPS_PROXY says{whose}.",
        )
        @functools.wraps(function)
        def with_network(
            *args: object, insecure_http: bool, ca_file: Path | None, proxy: str, **named: object
        ) -> object:
            network = Network(insecure_http, str(ca_file.absolute()) if ca_file else "", _checked(proxy))
            return function(*args, network=network, **named)

        return with_network

    return decorate


network_options = _network_options("; kept with the session")
"""Give a command that logs in `network: Network`, which the session keeps."""
visit_network_options = _network_options(" (of a link; an account has its own)")
"""Give a command that reads links `network: Network`."""


def _checked(proxy: str) -> str:
    """Refuse a password among the arguments, where every user of the machine can read it."""
    try:
        parts = urlsplit(proxy)
        is_usable = not proxy or (parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0)
    except ValueError:
        is_usable = False
    if not is_usable:
        raise UsageError(f"not the address of a proxy: {proxy!r}", "write it as --proxy http://host:port")
    if "@" in parts.netloc:
        message = "a proxy's password is not an argument: other users of this machine could read it"
        raise UsageError(message, "put the whole address into the variable HTTPS_PROXY and leave --proxy away")
    return proxy
