"""The user's side of sync, and its parts, without a server."""
