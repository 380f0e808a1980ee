"""Every route of the server with every error it declares."""
