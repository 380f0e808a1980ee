"""Ignore rules: what they mean, which one decides, and what is refused."""

from __future__ import annotations

import pytest

from mega_cli.errors import UsageError
from mega_cli.paths.ignore import BUILT_IN, RULE_FILE_MAX_BYTES, RULES_MAX, Rule, Rules, read_rule_file


def _rules(*lines: str, device: tuple[str, ...] = (), folds_case: bool = False) -> Rules:
    own = read_rule_file("\n".join(lines).encode(), folds_case=folds_case)
    return Rules.at_top(device, folds_case=folds_case).with_file(own)


def _excludes(rules: Rules, path: str) -> bool:
    """Ask for a path and the folders above it, as a walk does; a `/` at the end makes it a folder."""
    *above, name = path.rstrip("/").split("/")
    for folder in above:
        if rules.excludes(folder, is_folder=True):
            return True
        rules = rules.below(folder)
    return rules.excludes(name, path.endswith("/"))


@pytest.mark.parametrize(
    ("lines", "path", "is_excluded"),
    [
        (["*.o"], "a/b.o", True),
        (["*.o"], "a/b.c", False),
        (["*.log", "!keep.log"], "keep.log", False),
        (["!keep.log", "*.log"], "keep.log", True),
        (["build/"], "a/build/", True),
        (["build/"], "a/build", False),
        (["/build"], "build/", True),
        (["/build"], "a/build/", False),
        (["a/b"], "a/b", True),
        (["a/b"], "c/a/b", False),
        (["a/**/b"], "a/x/y/b", True),
        (["a/**/b"], "a/b", True),
        (["a/**"], "a/", False),
        (["a/**"], "a/x", True),
        (["a/**/"], "a/", False),
        (["a/**/"], "a/x/", True),
        (["a/**/"], "a/x", False),
        (["out", "!out/keep"], "out/keep", True),
        (["x", "!foo"], "foo/x/", True),
        (["*", "!*/", "!*.py"], "src/a.py", False),
        (["*", "!*/", "!*.py"], "src/a.c", True),
        (["# a comment", "", "*.x \r"], "a.x", True),
        (["# a comment"], "# a comment", False),
        ([r"\#x"], "#x", True),
        (["a.txt"], "a.txt\n", False),
        (["a*z"], "a\nz", True),
        (["e\u0301"], "\u00e9", True),
        (["[ab]?c"], "bxc", True),
        (["[!a]"], "a", False),
    ],
)
def test_a_line_means_what_it_means_in_git(lines: list[str], path: str, is_excluded: bool) -> None:  # noqa: FBT001 -- a table
    """One row of gitignore's rules each; nothing below a folder that is left out is taken in again."""
    assert _excludes(_rules(*lines), path) is is_excluded


@pytest.mark.parametrize(
    "name",
    [
        ".DS_Store", "._x", "Icon\r", "Thumbs.db", "desktop.ini", "~$report.docx", ".~lock.a.odt#", "~WRL0001.tmp",
        "a.txt.sb-1a2b3c4d-Xy12Zq", ".a.swp", "4913", ".gedit-save-X1", ".goutputstream-X1", "film.mkv.part",
        "x.crdownload", ".nfs0001", ".fuse_hidden01", ".syncthing.a.tmp", ".dropbox.cache",
    ],
)  # fmt: skip
def test_the_built_in_list_leaves_out_what_programs_leave_behind(name: str) -> None:
    """Each entry of the list, in any folder."""
    assert _excludes(Rules.at_top(), f"a/{name}")


@pytest.mark.parametrize("name", [".bashrc", ".git/", ".config/", "Icon", "a.tmp", "~notes", "part", ".megaignore"])
def test_the_built_in_list_leaves_out_nothing_else(name: str) -> None:
    """Names with a dot are synced, and so are rule files."""
    assert not _excludes(Rules.at_top(), name)


def test_a_rule_can_take_in_what_the_built_in_list_leaves_out() -> None:
    """A user who wants `.part` files says so."""
    assert not _excludes(_rules("!*.part"), "a.part")


def test_the_nearest_file_decides_before_those_above() -> None:
    """A folder's own file may take in what the top leaves out, below itself only."""
    top = _rules("*.log")
    inner = top.below("keep").with_file(read_rule_file(b"!*.log"))

    assert top.below("other").excludes("a.log", is_folder=False)
    assert not inner.excludes("a.log", is_folder=False)
    assert not inner.below("deeper").excludes("a.log", is_folder=False)


def test_an_anchored_line_is_anchored_at_its_own_folder() -> None:
    """`/x` in `a/.megaignore` means `a/x`."""
    inner = Rules.at_top().below("a").with_file(read_rule_file(b"/x\nb/y"))

    assert inner.excludes("x", is_folder=False)
    assert inner.below("b").excludes("y", is_folder=False)
    assert not inner.below("c").excludes("x", is_folder=False)


def test_the_lines_of_this_device_decide_before_every_file() -> None:
    """They come last of all, even after a file further down."""
    rules = _rules("!*.iso", device=("*.iso",)).below("a").with_file(read_rule_file(b"!*.iso"))

    assert rules.excludes("x.iso", is_folder=False)


def test_case_counts_unless_the_disk_folds_it() -> None:
    """On Windows and macOS `*.LOG` is `*.log`."""
    assert not _excludes(_rules("*.LOG"), "a.log")
    assert _excludes(_rules("*.LOG", "/Build", folds_case=True), "a.log")
    assert _excludes(_rules("*.LOG", "/Build", folds_case=True), "build/")


def test_the_rule_that_decides_can_be_told() -> None:
    """File, line and verdict, for `check-ignore`."""
    rules = _rules("# objects", "*.o", "!keep.o").below("src").with_file(read_rule_file(b"b.o"))

    assert rules.deciding("a.o", is_folder=False) == Rule(".megaignore", 2, "*.o", leaves_out=True)
    assert rules.deciding("keep.o", is_folder=False) == Rule(".megaignore", 3, "!keep.o", leaves_out=False)
    assert rules.deciding("b.o", is_folder=False) == Rule("src/.megaignore", 1, "b.o", leaves_out=True)
    assert rules.deciding("4913", is_folder=False) == Rule(
        "built-in", BUILT_IN.index("4913") + 1, "4913", leaves_out=True
    )
    assert rules.deciding("c", is_folder=False) is None


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a\n-:*.tmp\n", "line 2 is a rule of MEGA"),
        (b"+dn:photos", "line 1 is a rule of MEGA"),
        (b"-fpG:x", "line 1 is a rule of MEGA"),
        (b"exclude-larger: 1g", "line 1 is a rule of MEGA"),
        (b"caf\xe9", "not UTF-8"),
        (b"a\n[z-a]\n", "line 2 is no rule"),
        (b"ends with a backslash\\", "line 1 is no rule"),
        (b"x" * 5_000, "line 1 is longer"),
        (b"x\n" * (RULES_MAX + 1), "more than 5,000 rules"),
        (b"#" * (RULE_FILE_MAX_BYTES + 1), "larger than 1 MiB"),
    ],
)
def test_what_cannot_be_understood_is_refused(data: bytes, words: str) -> None:
    """A rule file is right as a whole or an error, with a sentence and a hint; never fewer rules."""
    with pytest.raises(UsageError, match=words) as caught:
        read_rule_file(data)

    assert caught.value.hint


@pytest.mark.parametrize("line", ["-x", "+a", "exclude", "- a:b", "a-:b", "--:x"])
def test_lines_that_only_look_a_little_like_megas_are_rules(line: str) -> None:
    """The other grammar is told by its beginning and its colon."""
    assert _excludes(_rules(line), line)


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    """Windows' editors write one."""
    rules = Rules.at_top().with_file(read_rule_file("\ufeff*.o\r\n".encode()))

    assert rules.excludes("a.o", is_folder=False)


@pytest.mark.parametrize("line", ["*a" * 30 + "b", "a**" * 30 + "b", "x/**/a" * 30 + "b", "**/a/" * 30 + "b"])
def test_no_line_is_tried_in_every_way(line: str) -> None:
    """Thirty stars and a name made for them: every way to share the name among the stars would never end."""
    assert not _excludes(_rules(line), "a/" * 100 + "a" * 250)
