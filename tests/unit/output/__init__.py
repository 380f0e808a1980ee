"""Tests of `mega_cli.output`: no terminal, no clock but the one they bring."""
