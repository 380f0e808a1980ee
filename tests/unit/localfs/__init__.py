"""Tests of the local disk: each works in a temporary folder."""
