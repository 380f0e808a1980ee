"""Tests of the server client."""
