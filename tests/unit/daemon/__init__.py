"""Tests of `mega_cli.daemon`."""
