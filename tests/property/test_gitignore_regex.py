"""The regexes that end in time match what pathspec's match."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from mega_cli.paths.gitignore_regex import LinearPattern

_SEGMENT = st.sampled_from(
    ["**", "*", "a", "b", "a*", "*b", "?", "*a*", "a*b", "*a*b*", "a**b", "*ab*a", "[ab]*a*", "??*a"]
)
_LINE = st.builds(
    lambda start, segments, end: start + "/".join(segments) + end,
    st.sampled_from(["", "/", "!"]),
    st.lists(_SEGMENT, min_size=1, max_size=5),
    st.sampled_from(["", "/"]),
)
_NAME = st.text("ab", min_size=1, max_size=6)
_PATH = st.builds(
    lambda names, end: "/".join(names) + end, st.lists(_NAME, min_size=1, max_size=6), st.sampled_from(["", "/"])
)


@given(_LINE, st.lists(_PATH, min_size=1, max_size=8))
def test_a_line_matches_the_same_paths(line: str, paths: list[str]) -> None:
    """Settling a star by the first match of what follows loses nothing."""
    regex, leaves_out = GitIgnoreSpecPattern.pattern_to_regex(line)
    ours, ours_leaves_out = LinearPattern.pattern_to_regex(line)

    assert leaves_out == ours_leaves_out
    if regex is not None and ours is not None:
        for path in paths:
            assert (re.search(regex, path) is None) == (re.search(ours, path) is None)
