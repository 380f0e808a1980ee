"""Targets: text from people, from other people's trees and from files of patterns."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from functools import cache

import click

from mega_cli.api.address import check_account, parse_address
from mega_cli.api.rates import parse_rates, rate_text
from mega_cli.errors import LimitError, MegaError, UsageError
from mega_cli.formats.page import is_name
from mega_cli.main import mega
from mega_cli.options.amounts import parse_moment_ns, parse_size_range
from mega_cli.options.command import MegaCommand
from mega_cli.paths import names
from mega_cli.paths.filters import Filters
from mega_cli.paths.remote import RemotePath
from mega_server.cli import main as mega_server
from mega_server.config import normal_origin
from tests.fuzz.feed import Feed, parts
from tests.fuzz.target import Target

_COMMANDING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _text(raw: bytes) -> str:
    """Read bytes as the command line does: what is no UTF-8 becomes halves of pairs."""
    return raw.decode("utf-8", "surrogateescape")


def _address(raw: bytes) -> None:
    """Read a text as an address on both sides: the client's origin is one that the server understands alike."""
    text = _text(raw)
    with suppress(ValueError):
        assert normal_origin(normal_origin(text)) == normal_origin(text)
    with suppress(UsageError):
        origin = parse_address(text).origin
        assert parse_address(origin).origin == origin == normal_origin(origin)
        assert "/" not in parse_address(text).profile("alice")


def _account(raw: bytes) -> None:
    """Read a text as an account's name."""
    with suppress(UsageError):
        assert check_account(_text(raw)).isascii()


def _remote_path(raw: bytes) -> None:
    """Read a text as a path in the volume; it never leaves its root, and reads back."""
    with suppress(UsageError, LimitError):
        path = RemotePath.parse(_text(raw))
        assert RemotePath.parse(str(path)) == path
        assert all(is_name(part) for part in path.parts)


def _name(raw: bytes) -> None:
    """Take an entry's name and the disk bytes that it claims: one safe component, or an error."""
    feed = Feed(raw)
    claimed = feed.part()
    text = feed.rest().decode("utf-8", "surrogatepass" if len(raw) % 2 else "replace") if _is_utf8(raw) else ""
    try:
        names.check_name(text)
    except (UsageError, LimitError):
        assert not is_name(text)
        return
    assert is_name(text)
    disk = names.name_to_disk(text, claimed)
    assert disk not in (b"", b".", b"..")
    assert b"/" not in disk
    assert b"\0" not in disk
    assert disk == text.encode() or names.name_from_disk(disk)[0] == text
    assert not any(unicodedata.category(c) in _COMMANDING for c in names.printable(text) if c not in "\u200c\u200d")


def _is_utf8(raw: bytes) -> bool:
    """Tell whether the part after the first decodes."""
    feed = Feed(raw)
    feed.part()
    try:
        feed.rest().decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _disk_name(raw: bytes) -> None:
    """Turn any bytes of a disk into a name or a link's text, and back."""
    assert names.text_to_disk(names.text_from_disk(raw)) == raw
    with suppress(UsageError, LimitError):
        name, kept = names.name_from_disk(raw)
        assert names.name_to_disk(name, kept) == raw
        assert is_name(name)


def _filters(raw: bytes) -> None:
    """Compile patterns, and ask them about a path."""
    feed = Feed(raw)
    exclude, include, path = (_text(feed.part())[:200] for _ in range(3))
    with suppress(UsageError):
        filters = Filters.from_options(
            [exclude], [include] if include else [], exclude_lines=_text(feed.rest())[:300].splitlines()
        )
        for is_folder in (True, False):
            filters.excludes(path, is_folder=is_folder)


def _rates(raw: bytes) -> None:
    """Read a text as a limit or a timetable; every minute of a week has its rates."""
    with suppress(UsageError):
        table = parse_rates(_text(raw))
        for minute in range(0, 7 * 24 * 60, 61):
            for rate in table.at(minute):
                assert rate is None or rate > 0
                assert parse_rates(rate_text(rate)).at(0).up == rate


def _amount(raw: bytes) -> None:
    """Read a text as a range of sizes, and as a moment."""
    text = _text(raw)
    with suppress(ValueError):
        bounds = parse_size_range(text)
        assert bounds.least_bytes is not None or bounds.most_bytes is not None
    with suppress(ValueError):
        assert type(parse_moment_ns(text, 1_700_000_000 * 10**9)) is int


def _commands(group: click.Group) -> list[click.Command]:
    """Give every command of a program, those of its groups included."""
    found: list[click.Command] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        found += _commands(command) if isinstance(command, click.Group) else [command] if command else []
    return found


@cache
def _all() -> list[click.Command]:
    """Import every command of both programs, once."""
    return _commands(mega) + _commands(mega_server)


_SHOWN = "--help"
_VALUES = ("1", "5G", "2d", "+10M", "1M:off", "08:00,512K 23:00,off", "2026-01-31")


def _command_line(raw: bytes) -> None:
    """Parse a command line of either program, and run nothing."""
    feed = Feed(raw)
    command = feed.pick(_all())
    words = [word for word in _text(feed.rest()).split("\0") if word != _SHOWN]
    for word in list(words):
        if word.isdecimal() and int(word[:9]) < len(command.params):  # a number stands for an option, so that they meet
            words[words.index(word)] = command.params[int(word[:9])].opts[0]
    with suppress(MegaError, click.ClickException, click.exceptions.Exit):
        command.make_context(command.name, words).close()


def _command_seeds() -> list[bytes]:
    seeds = []
    for at, command in enumerate(_all()):
        examples = command.examples if isinstance(command, MegaCommand) else ()
        seeds += [bytes([at]) + "\0".join(example.split()[2:]).encode() for example in examples]
        for option in command.params:
            seeds.append(bytes([at]) + f"{option.opts[0]}\0{_VALUES[len(seeds) % len(_VALUES)]}".encode())
    return seeds


TARGETS = (
    Target(
        "address",
        _address,
        lambda: [b"HTTPS://Cloud.Example.org:443/", b"http://[::1]:8420", b"http://127.0.0.1", b"https://u@h:1/x?y#z"],
    ),
    Target("account-name", _account, lambda: [b"alice", b"me", b"a.b_c-9", b"-x"]),
    Target("remote-path", _remote_path, lambda: [b"a//b/../../c/", "é/e\u0301".encode(), b"\xff/\xef\x9d\x8d%FF"]),
    Target(
        "name", _name, lambda: [parts(b"a") + b"a", parts(b"\xff") + "\uf74d%FF".encode(), parts(b"") + b"\x1b[31m"]
    ),
    Target("disk-name", _disk_name, lambda: [b"a", b"\xff", "e\u0301".encode(), "\uf74d%41".encode(), b"%"]),
    Target(
        "filters",
        _filters,
        lambda: [parts(b"*.log", b"keep.log", b"a/keep.log") + b"# c\n/build/\n**/x\n!y\n[a-z]\\ \n"],
    ),
    Target("rates", _rates, lambda: [b"512K", b"1M:off", b"08:00,512K 23:00,off", b"Mon-08:00,1.5M:2G Sat-00:00,0"]),
    Target("amount", _amount, lambda: [b"+1M", b"-10K", b"500", b"2d", b"2026-01-31", b"2023-11-14T22:13:20.5+02:00"]),
    Target("command-line", _command_line, _command_seeds, 32 << 20),
)
