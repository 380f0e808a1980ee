"""Two-way sync decided: three trees in, a plan out. Pure: no disk, no network, no clock, no randomness.

Read `nodes` (what is compared), `situation` (what the planner is told), `actions` (what it answers), then `plan`.
The tables stand in `docs/sync.md`.
"""
