"""Sizes, names and habits of the code: what a reader can rely on in every file."""

from __future__ import annotations

import ast
import re
from typing import Final

from tests.house.source import Module, modules

MAX_LINES: Final = 400
MAX_FUNCTION_LINES: Final = 60
MAX_PARAMETERS: Final = 8
DRAWERS: Final = {"utils", "helpers", "common", "manager", "misc"}
CATCHES_ALL: Final = {"mega_cli/main.py", "mega_cli/daemon/worker.py"}
"""Where an unforeseen error becomes "this is a bug", of a command or of one pair; Flask does so for the server."""

PRODUCT: Final = (*modules("mega_cli"), *modules("mega_server"))
ALL: Final = (*PRODUCT, *modules("tests"))
EXEMPTION = re.compile(r"#\s*(noqa|type:\s*ignore)")
REASONED = re.compile(r"#\s*(noqa:\s*[A-Z0-9, ]+?\s+--\s+\S|type:\s*ignore\[[a-z, -]+\]\s+#\s+\S)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def test_a_file_can_be_read_in_one_sitting() -> None:
    """At most 400 lines; a longer file has two reasons to change."""
    long = [f"{module.path}: {lines} lines" for module in ALL if (lines := len(module.text.splitlines())) > MAX_LINES]

    assert long == []


def test_a_function_fits_a_screen() -> None:
    """At most 60 lines, its docstring included."""
    long = [
        f"{module.path}:{function.lineno} {function.name}: {lines} lines"
        for module in ALL
        for function in module.functions()
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION_LINES
    ]

    assert long == []


def test_a_function_takes_few_parameters() -> None:
    """At most 8, `self` not counted."""
    wide = [
        f"{module.path}:{function.lineno} {function.name}: {count} parameters"
        for module in PRODUCT
        for function in module.functions()
        if (count := _parameter_count(function.args)) > MAX_PARAMETERS
    ]

    assert wide == []


def _parameter_count(arguments: ast.arguments) -> int:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in named if argument.arg not in {"self", "cls"}])


def test_no_name_is_a_drawer_for_anything() -> None:
    """A module is named for what it is; `utils` and its kind are not names."""
    drawers = [module.path for module in ALL if DRAWERS & set(re.split(r"[./_]", module.path))]

    assert drawers == []


def test_a_module_says_what_it_is() -> None:
    """Every module starts with a docstring; the empty `__init__` of a folder of tests may stay empty."""
    mute = [
        module.path
        for module in ALL
        if not ast.get_docstring(module.tree) and not (module.name.startswith("tests") and not module.text.strip())
    ]

    assert mute == []


def test_everything_is_caught_in_one_place() -> None:
    """`except Exception`, or wider, stands where a bug is reported; elsewhere it may only tidy up and raise again."""
    catching = {
        module.path
        for module in PRODUCT
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node.type) and not _raises_again(node)
    }

    assert catching == CATCHES_ALL


def _catches_all(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or (isinstance(one, ast.Name) and one.id in {"Exception", "BaseException"}) for one in kinds)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_an_exemption_has_its_reason() -> None:
    """Every `noqa` and `type: ignore` names its rule and says why."""
    silent = [
        f"{module.path}:{line} {comment}"
        for module in ALL
        for line, comment in module.comments()
        if EXEMPTION.search(comment) and not REASONED.match(comment)
    ]

    assert silent == []


def test_a_test_says_in_a_sentence_what_it_holds() -> None:
    """The sentence is what a reader sees first when the test fails."""
    mute = [
        f"{module.path}:{function.lineno} {function.name}"
        for module in modules("tests")
        for function in module.functions()
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]

    assert mute == []


def test_nothing_is_left_for_later() -> None:
    """Unfinished work stands in the issues, not in comments."""
    left = [
        f"{module.path}:{line}" for module in ALL for line, comment in module.comments() if UNFINISHED.search(comment)
    ]

    assert left == []


def test_the_walk_tells_comments_from_strings() -> None:
    """An exemption inside a string is no exemption, and a silent one in a comment is seen."""
    module = Module("x", "x.py", 'a = "# noqa"\nb = 1  # noqa: E501\n')

    assert [EXEMPTION.search(comment) is not None for _, comment in module.comments()] == [True]
    assert not REASONED.match("# noqa: E501")
    assert REASONED.match("# noqa: E501 -- a reason")
