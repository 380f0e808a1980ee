"""What commands share on their way in: the look of a command, global options, passwords, filters, paths.

It turns words from the command line, the environment and the terminal into types that cannot be wrong; below
`mega_cli.commands` no raw remote path exists.
"""
