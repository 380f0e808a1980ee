"""The simulator of sync: several devices with simulated disks, one remote in memory, one seed, and the real engine.

`world.py` holds the devices, `users.py` what people do, `weather.py` what goes wrong and when, `hearing.py` what a
device hears of its own disk, `run.py` one seed from beginning to end, `invariants.py` and `ledger.py` what must hold
(V1-V10 of `design/sync.md` 5.3). `stage.py` is the small language of the numbered scenarios. `python -m
tests.simulator` runs seeds in bulk.
"""
