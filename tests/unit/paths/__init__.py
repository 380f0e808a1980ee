"""Tests of names, remote paths and filters."""
