"""How signup and login name a server and an account."""

from __future__ import annotations

import click

from mega_cli.options.command import Decorator

account_argument: Decorator = click.argument("account", envvar="MEGA_ACCOUNT")
server_option: Decorator = click.option(
    "--server",
    "server_url",
    metavar="URL",
    envvar="MEGA_SERVER",
    show_envvar=True,
    required=True,
    help="The server's address, as its accounts know it.",
)
insecure_http_option: Decorator = click.option(
    "--insecure-http",
    is_flag=True,
    help="Allow http:// to another machine, on a network you trust; the password is still never sent.",
)
device_name_option: Decorator = click.option(
    "--device-name", default="", metavar="NAME", help="What this device is called in the list of sessions."
)
