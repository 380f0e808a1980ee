"""One file a command of `mega-server`: from options to one service call, and its answer for people or as JSON."""
