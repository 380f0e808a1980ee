"""Measures mega beside restic, borg and rclone: `make bench`, or `python -m tests.bench --help`.

It is no part of the test suite and no test asserts a time. The rules of fairness, which the printed table repeats:

- The same data, written once, for all; what comes back is compared byte for byte, else there is no figure.
- Everything warm: sources were just written and servers just wrote what they give. Each round starts with fresh
  repositories and fresh accounts, so nothing is known from the round before.
- Servers listen on 127.0.0.1 and keep their data in one temporary folder, under `--scratch`, which is removed.
- Everybody encrypts. Everybody's stores are timed until `sync` has returned, because mega and borg fsync what they
  store and the servers of restic and rclone do not; the time at which the command returned stands beside it.
  Nobody fsyncs what is fetched, so fetching is timed until the command returns.
- Rounds are interleaved: one step by each, then the next step, in turned order every second round, with a `sync` and a
  pause before each step. Medians count; every sample is kept as JSON.

The whole table takes about a quarter of an hour, half of it rclone's small files, and 12 GiB of disk: `--scratch DIR`
says where. Nothing else should run meanwhile; the table says so when something did.

`data.py` makes the data and compares, `process.py` runs and measures one command (`machine.py` holds what Windows
lacks), `contestant.py` says what a contestant must do, `mega.py` and `peers.py` are the contestants, `rows.py` is the
table's plan and the targets, `rounds.py` runs it, `big_folder.py` measures a single put into a large folder,
`report.py` writes, `profiling.py` looks inside mega instead of measuring it.
"""
