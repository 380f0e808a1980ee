"""`mega completion`: the script that teaches a shell to complete mega's commands."""

from __future__ import annotations

import click

from mega_cli.options.command import declare
from mega_cli.options.completion import COMPLETE_VARIABLE, completion_class
from mega_cli.output.console import Console


@declare("completion", examples=("mega completion bash",))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(console: Console, shell: str) -> None:
    """Print the script that completes commands, options and remote paths.

    bash: eval "$(mega completion bash)" in ~/.bashrc. zsh: the same with zsh in ~/.zshrc, after compinit.
    fish: mega completion fish > ~/.config/fish/completions/mega.fish. Remote paths are asked of the server and given up
    after a second; nothing is stored and no question is asked.
    """
    table = click.get_current_context().find_root().command
    script = completion_class(shell)(table, {}, "mega", COMPLETE_VARIABLE).source()
    if console.is_json:
        console.document({"shell": shell, "script": script})
    else:
        console.result(script.splitlines())
