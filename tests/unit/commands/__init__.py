"""Tests of `mega_cli.commands` and `mega_cli.options`: whole command lines, with fake services below."""
