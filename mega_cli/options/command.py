"""How a command is declared: its options also take `--json -q -v --no-color`, and its help ends with examples.

It relies on `mega_cli.main` having put a `Console` into the context. A secret is never declared as an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
from click.core import ParameterSource

from mega_cli.output.console import Console
from mega_cli.system.directories import find_directories

Decorator = Callable[[Callable[..., object]], Callable[..., object]]
"""What click's own `option` and `argument` give."""

pass_console = click.make_pass_decorator(Console)


def _console_option(*names: str, help: str, apply: Callable[[Console], None]) -> click.Option:  # noqa: A002 -- click's word
    """Make a flag that changes the console of the running command and reaches no function."""

    def changed(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click calls it
        if value and not context.resilient_parsing:
            apply(context.ensure_object(Console))

    return click.Option(names, is_flag=True, is_eager=True, expose_value=False, help=help, callback=changed)


def _start_log(context: click.Context, parameter: click.Parameter, level: str | None) -> None:
    """Open the log. What was written before the command holds, unless the command's own option says otherwise."""
    console = context.ensure_object(Console)
    is_typed = context.get_parameter_source(str(parameter.name)) is ParameterSource.COMMANDLINE
    if level and not context.resilient_parsing and (is_typed or not console.log_level):
        from mega_cli.system.logs import start_logging  # noqa: PLC0415 -- 15 ms that a run without a log does not pay

        console.log_level = level
        start_logging(find_directories().log_file, level)


def console_options() -> list[click.Parameter]:
    """Make the options that every command and `mega` itself understand."""

    def set_json(console: Console) -> None:
        console.is_json = True

    def set_quiet(console: Console) -> None:
        console.verbosity = -1

    def set_verbose(console: Console) -> None:
        console.verbosity = 1

    def set_plain(console: Console) -> None:
        console.has_color = False

    return [
        _console_option("--json", help="Print JSON for programs; errors too, on stderr.", apply=set_json),
        _console_option("-q", "--quiet", help="Print the result and errors, nothing else.", apply=set_quiet),
        _console_option("-v", "--verbose", help="Also name every item.", apply=set_verbose),
        _console_option("--no-color", help="No colours (also: NO_COLOR).", apply=set_plain),
        click.Option(
            ["--log-level"],
            type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
            envvar="MEGA_LOG",
            is_eager=True,
            expose_value=False,
            help="Write what happens into mega.log, rotated (also: MEGA_LOG); no names, no contents.",
            callback=_start_log,
        ),
    ]


def _read_from_environment(option: click.Option, command: str) -> None:
    """Have an option read MEGA_<COMMAND>_<OPTION>, then the variable it declares for all commands.

    click would make the name from the parameter in the code; people know the option.
    """
    spelled = max(option.opts, key=len).lstrip("-").replace("-", "_")
    declared = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar or ())
    option.envvar = [f"MEGA_{command}_{spelled}".upper(), *declared]
    option.allow_from_autoenv = False


class MegaCommand(click.Command):
    """A command that knows its examples. Each is one line that works as printed."""

    def __init__(self, name: str, *, examples: Sequence[str], words: str = "", **settings: object) -> None:
        """Take click's own settings, the examples, and the words that call it after `mega` ("trash restore")."""
        super().__init__(name, **settings)  # type: ignore[arg-type]  # click checks its own settings
        self.examples = tuple(examples)
        self.words = words or name
        self.params.extend(console_options())
        for option in self.params:
            if isinstance(option, click.Option):
                _read_from_environment(option, self.words.replace(" ", "_").replace("-", "_"))

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """Take what config.toml says as the defaults of the options; help and completion do not read it."""
        is_read = not extra.get("resilient_parsing") and "--help" not in args
        if is_read and find_directories().config_file.is_file():
            from mega_cli.options.settings import config_defaults  # noqa: PLC0415 -- most devices have no config.toml

            extra["default_map"] = config_defaults(self, self.words, parent)
        return super().make_context(info_name, args, parent, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        """End the help with the examples, unwrapped."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class MegaGroup(MegaCommand, click.Group):
    """A command made of commands: `mega trash ls`. Without one of them, the first is meant."""

    def __init__(self, name: str, help: str, commands: Sequence[MegaCommand]) -> None:  # noqa: A002 -- click's word
        """Take its help and its commands, the one that is meant by default first."""
        self._first = commands[0]
        examples = [example for command in commands for example in command.examples[:1]]
        super().__init__(name, examples=examples, help=help, commands=commands)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Name the commands in their order."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put in the first command where none is named, so that `mega trash -l` works."""
        if not ctx.resilient_parsing and "--help" not in args and not self.commands.keys() & set(args):
            args = [str(self._first.name), *args]
        return super().parse_args(ctx, args)


def declare(name: str, *, examples: Sequence[str]) -> Callable[[Callable[..., object]], MegaCommand]:
    """Declare a command: its function takes the `Console` first, then its parameters by name.

    `name` is what follows `mega`: one word, or two for a command of a group.
    """

    def decorate(function: Callable[..., object]) -> MegaCommand:
        last = name.rpartition(" ")[2]
        made = click.command(last, cls=MegaCommand, examples=examples, words=name)(pass_console(function))
        assert isinstance(made, MegaCommand)
        return made

    return decorate


human_option: Decorator = click.option("-h", "--human", "is_human", is_flag=True, help="Sizes in K, M, G, T.")
yes_option: Decorator = click.option("-y", "--yes", "is_sure", is_flag=True, help="Ask nothing.")
dry_run_option: Decorator = click.option("-n", "--dry-run", "is_dry_run", is_flag=True, help="Show what would be done.")
