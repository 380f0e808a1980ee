"""Columns of text for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from mega_cli.paths.names import printable


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Line up the cells of rows that are equally long; what others named is escaped before it is measured.

    >>> columns([("id", "device"), ("1234", "desk")])
    ['id    device', '1234  desk']
    """
    shown = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
