"""Links, against the real server in this process."""
