"""Tests of mega_cli.crypto."""
