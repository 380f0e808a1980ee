"""How results, progress and errors reach people and programs.

Everything a command says leaves through here: stdout is the result and nothing else, stderr is the rest, and every
line passes `mega_cli.paths.names.printable`, so that no name from elsewhere can steer a terminal.
"""
