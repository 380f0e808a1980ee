"""Tests of the chunker."""
