"""Tests of mega_cli.formats."""
