"""Tests of one module each, mirroring the packages: fast, no network."""
