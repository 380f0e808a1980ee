"""Fuzzing: every parser of foreign bytes on both sides, as one table of targets.

`make test` runs a modest number of examples; `make fuzz` runs the same targets for a given time.
"""
