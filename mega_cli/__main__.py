"""`python -m mega_cli` is `mega`."""

from mega_cli.main import run

run()
