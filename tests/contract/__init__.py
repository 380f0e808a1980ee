"""One suite for each protocol, over all of its members."""
