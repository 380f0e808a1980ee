"""Tests of what decides two-way sync."""
