"""Tests of the machine around the program."""
