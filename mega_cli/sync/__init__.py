"""Two-way sync carried out: observe, settle, plan, guard, execute, record. What to do is decided in `reconcile`.

Nothing here reads a clock, draws randomness, or touches a disk or the network but through what it is given
(`world.py`, `localfs.disk.Disk`, `remote.RemoteFolder`): so a run of the simulator can be told again from its seed.
"""
