"""How a command is told that a person has decided already."""

from __future__ import annotations

import click

from mega_cli.options.command import Decorator

yes_option: Decorator = click.option("-y", "--yes", "is_confirmed", is_flag=True, help="Ask nothing; go ahead.")
