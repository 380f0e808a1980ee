"""One file per command: options, one call of a service, output. The table that finds them is in `mega_cli.main`.

A command never opens a file of the store, never speaks to a server and never formats an error: services and `main` do.
"""
