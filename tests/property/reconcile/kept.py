"""Cases that a planner or this harness once got wrong. Each is tried, always, in the property that found it."""

from __future__ import annotations

from typing import Final

from tests.kit.forest import file, folder, link
from tests.property.reconcile.strategies import Case

_CIRCLE: Final = (folder("B1", "b"), file("B2", "a"), file("B3", "a", at="B1"))
CUT_CIRCLE: Final = Case(_CIRCLE, (folder("B1", "a"), file("B2", "a", at="B1"), file("B3", "b")), _CIRCLE)
"""A circle in the volume, cut in the middle, left the name under which a node was parked to everybody."""

_AGREED: Final = (folder("B1", "\u00e1"), folder("B2", "b", at="B1"), link("B3", "CON", target="t1"), file("B4", "a"))
CUT_CIRCLE_AND_USER: Final = Case(
    _AGREED,
    (_AGREED[0], link("B3", "a", target="t1"), file("B4", "CON")),
    (*_AGREED, folder("R1", "a", at="B2"), file("R2", "a", at="R1")),
)
"""A circle cut in the middle again: a user saw the parked node and gave its name to another one, so the next parking
found its place taken. Since then a node is parked within one commit only, under no name at all."""

GHOST_AND_FOLDER: Final = Case((file("B1", "a"),), (file("B1", "a"),), (folder("R1", "a"),))
"""Without a base, a file whose content the volume had deleted was uploaded again because a folder had its name."""

_NESTED: Final = (folder("B1", "a"), folder("B2", "b", at="B1"), file("B3", "a", at="B2"))
OUT_OF_THE_EXCLUDED: Final = Case(_NESTED, _NESTED, (_NESTED[0], folder("B2", "b"), _NESTED[2]))
"""A folder that others moved out of an excluded one came here empty, and then emptied itself in the volume."""

_FULL: Final = (folder("B1", "A"), file("B2", "A", at="B1", content="c1"))
HALF_AGREED: Final = Case(_FULL, (_FULL[0], file("B2", "b")), (folder("R1", "b"),))
"""A file that was edited and moved out outlived its folder, and could not be renamed apart here: the base lost the
folder, and kept the file in it with the new content."""

OUT_OF_THE_STALLED: Final = Case(
    (file("B1", "a"), folder("B2", "\u00e1"), file("B3", "b"), file("B4", "a", at="B2")),
    (folder("B2", "\u00e1"), file("B3", "a"), file("B4", "b")),
    (file("B1", "a"), folder("B2", "\u00e1"), file("B4", "a", at="B2"), file("R1", "b")),
)
"""A file moved out of a folder that cannot be read any more, onto the name of an equal new one, and went: the harness
took it for one in that folder as soon as it had left the disk."""

_TALL: Final = (
    folder("B1", "a"),
    folder("B2", "b", at="B1"),
    link("B3", "a", at="B2"),
    folder("B4", "a", at="B1"),
    folder("B5", "b", at="B4"),
)
RENAMED_BY_HALF: Final = Case(
    _TALL,
    (_TALL[0], _TALL[1], folder("L1", "a", at="B2"), *_TALL[3:]),
    (folder("R1", "a"),),
)
"""A folder that was deleted there, but kept for a new one in it, was renamed apart here, and little else of the plan
was done: a move of this side, which brought back an empty folder that had been in it. The law P7 forgot that."""

TWO_CONFLICTS_AT_ONCE: Final = Case(
    (file("B1", "a"), folder("B2", "\u00e1")),
    (file("B1", "a"), folder("B2", "\u00e1"), folder("L1", "a", at="B2")),
    (file("B1", "a"), file("R1", "\u00e1")),
)
"""One file met with the same conflict twice while the clock stood still, and both copies got one id."""

_FEW: Final = (folder("B1", "b"), file("B2", "a", at="B1"), file("B3", "a"))
FETCH_THAT_FAILED: Final = Case(_FEW, _FEW, (folder("B1", "a"), file("B2", "b"), file("B3", "a", at="B1")))
"""A file that others moved out of an excluded folder, and that could not be fetched at once, stayed excluded."""

_DEEP: Final = (
    folder("B1", "a"),
    folder("B2", "a", at="B1"),
    file("B4", "b", at="B1"),
    file("B5", "a", at="B2"),
)
EQUAL_TO_THE_EXCLUDED: Final = Case(
    _DEEP, (_DEEP[0], folder("B2", "b"), file("B4", "a", at="B1"), file("L1", "a", at="B2")), _DEEP
)
"""A folder was moved out of an excluded one, and a file made in it where an equal one, unseen until then, belonged: the
two are one, and the count of P6 forgot that."""

_TWO: Final = (folder("B1", "a"), folder("B2", "a", at="B1"))
INTO_ITS_CHILD: Final = Case(
    _TWO, _TWO, (folder("B1", "CON", at="B2"), folder("B2", "a"), link("R1", "a", at="B1", target="t2"))
)
"""A folder went into the one that had lain in it, under a name that this disk refuses. The base held the two in each
other when the rest of the plan failed: that the folder was absent on purpose was forgotten, and it was deleted."""

_LINKS: Final = (
    folder("B1", "\u00e1"),
    link("B10", "b", at="B1"),
    folder("B11", "\u00e1", at="B1"),
    link("B2", "a"),
    link("B9", "a", at="B1"),
)
PARKED_AND_EQUAL: Final = Case(
    _LINKS,
    _LINKS,
    (
        folder("B1", "b"),
        link("B10", "a", at="B1"),
        *_LINKS[2:4],
        link("B9", "b", at="B1"),
        folder("R1", "a", at="B11"),
        file("R2", "b", at="B11"),
    ),
)
"""Half of a swap of equal links: the harness brought the parked one back to the top, though its new place was free as
the executor would have seen, and there it met a third one and was one with it."""

_UNDER: Final = (
    file("B1", "a"),
    folder("B10", "a", at="B8"),
    link("B11", "a", at="B10"),
    folder("B8", "\u00e1"),
    file("B9", "b"),
)
EXCHANGED_AND_DESCRIBED: Final = Case(
    _UNDER,
    (_UNDER[0], folder("B10", "a", at="B8", mode=0o700), *_UNDER[2:]),
    (folder("B10", "b"), link("B11", "a"), folder("B8", "\u00e1", at="B10")),
)
"""A folder and its child changed places there, and one got another mode here: the base took one move only, and held the
two in each other for as long as they lived."""

_ABSENT_SOON: Final = (file("B1", "a", at="B2"), folder("B2", "\u00e1"), link("B3", "b"), folder("B4", "A"))
MOVED_INTO_WHAT_LEAVES: Final = Case(
    _ABSENT_SOON,
    (file("B1", "b"), folder("B2", "\u00e1"), link("B3", "a", at="B2"), folder("B4", "A")),
    (file("B1", "a", at="B2"), folder("B2", "a"), *_ABSENT_SOON[2:]),
)
"""A link was moved here into a folder that this disk can hold no longer, and left with it before the volume knew of the
move: it was deleted there, for it was absent in a folder in which the base did not have it."""

_NEST: Final = (folder("B10", "a", at="B9"), folder("B11", "a", at="B10"), folder("B9", "b"))
MADE_ANEW_UNSEEN: Final = Case(
    _NEST, (folder("B10", "a"), folder("B9", "b")), (_NEST[0], folder("B9", "b"), folder("R1", "a", at="B10"))
)
"""A folder was made anew there; here its old one was gone with one that had moved out of what cannot be read. So it was
not seen, was taken for lying there all the same, and was to become the new one."""

_MANY: Final = (
    folder("B1", "b"),
    file("B12", "b", at="B1"),
    folder("B2", "a", at="B1"),
    file("B6", "a", at="B2"),
    folder("B3", "a"),
)
INTO_THE_EXCLUDED: Final = Case(_MANY, _MANY, (folder("B1", "a", at="B3"), *_MANY[1:]))
"""A folder that others moved into an excluded one left this disk half, because a file in it was stalled; the half that
had left was then deleted in the volume."""

TWO_AT_ONE_PLACE: Final = Case(
    (folder("B1", "a"),), (folder("B1", "a"), folder("L1", "a", at="B1")), (link("R1", "a"),)
)
"""A base that held an absent link and a folder under one name: they were not parted when the first try failed."""

STALLED_AND_EXCLUDED: Final = Case(
    (file("B1", "a"), file("B2", "b")), (file("B1", "a", content="c1"), file("B2", "b")), (file("B2", "a"),)
)
"""The same in a base made by one node that was stalled and one that was excluded."""

COMES_INTO_SIGHT: Final = Case(
    (file("B1", "a"),),
    (file("B1", "a"), file("L1", "b"), file("L2", "\u00e1"), file("L3", "CON")),
    (file("R1", "a"), folder("R2", "A")),
)
"""A folder came into sight with two names below it that fold together; `materialise` had compared neither."""

TWO_EQUAL_LINKS: Final = Case(
    (file("B1", "a"), link("B2", "\u00e1", target="t1")),
    (link("B2", "\u00e1"), link("L1", "a")),
    (file("B1", "\u00e1"), link("B2", "a", target="t1")),
)
"""An edited link and a new one of the same target meet at one place and are one: the count of P6 forgot that."""
