"""The machine around the program: directories, settings, clock, locks, logs."""
