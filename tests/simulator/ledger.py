"""Who wrote what, having seen what: the judge of lost writes (V2, V3), resurrections (V4) and needless copies (V5).

Every content that a user writes is unique. A deed is one thing that happened on one disk by other hands than the
engine's; it is judged by what the disk held before and after it, so nobody has to tell the ledger what it meant. Who
knew of which deed is kept in vector clocks, which advance when an engine says that it is up to date. What a device may
have known before that counts as unknown: the judge errs towards freedom, never towards a wrong verdict.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, final

from mega_cli.localfs.disk import DiskKind, Place

JUNK: Final = frozenset({b".ds_store", b"thumbs.db", b"desktop.ini"})
"""What may go with its folder: no person wrote it."""
_COPY_MARK: Final = re.compile(rb" \(conflict [^)]*\)(?: \d+)?", re.IGNORECASE)
_NUMBER: Final = re.compile(rb" \d+(?=\.|$)")


class Seen(NamedTuple):
    """One thing at one place of a disk. `content` of a link is where it points, after an arrow; of a folder, empty."""

    kind: DiskKind
    content: bytes
    mode: int
    mtime_ns: int


View = Mapping[Place, Seen]
"""All that is visible below a synced folder, without `.mega`."""


class Deed(NamedTuple):
    """Something that happened on the disk of device `by`: the `number`-th there, when it knew the deeds of `clock`."""

    by: int
    number: int
    clock: tuple[int, ...]
    what: str

    def knew(self, other: Deed) -> bool:
        """Tell whether the other one came before it for sure."""
        return self.clock[other.by] >= other.number


@dataclass(slots=True)
class Token:
    """One content: who wrote it, who took it away having it before his eyes, who moved or described it."""

    content: bytes
    born: Deed
    stems: set[bytes] = field(default_factory=set)
    """Every name it ever had by a user's hand."""
    places: set[Place] = field(default_factory=set)
    """Every place that a user's hand gave it."""
    folders: set[Place] = field(default_factory=set)
    """Every folder in which a user's hand put it, and those above."""
    is_named: bool = False
    """A user gave it a conflict copy's name."""
    removed: list[Deed] = field(default_factory=list)
    handled: list[Deed] = field(default_factory=list)
    copies: int = 1
    """How many places users gave it at once."""
    is_thinned: bool = False
    """Somebody took away one of several that he had."""
    is_free: bool = False
    """A disk or a state forgot it: it may be in two places."""


@final
class Ledger:
    """All deeds of one world."""

    def __init__(self, devices: int) -> None:
        self.clocks: list[tuple[int, ...]] = [(0,) * devices for _ in range(devices)]
        self.tokens: dict[bytes, Token] = {}
        self.deeds: list[tuple[Deed, frozenset[bytes], frozenset[Place], frozenset[Place]]] = []
        """Each with the stems of the names it changed, the folders it moved, made or removed, and where it worked."""
        self._synced = [0] * devices
        """By device: its last deed that the volume knows for sure."""
        self._forgot: list[list[tuple[int, int]]] = [[] for _ in range(devices)]
        """By device: the deeds between these two are forgotten, or were done before it knew what was there."""
        self._joining: set[int] = set()
        self._stood: dict[tuple[int, Place], set[bytes]] = {}
        """By device and place: the stems of all that ever stood there by a user's hand. Engines may know it as one."""
        self._known_at: list[tuple[int, tuple[int, ...]]] = []

    # --- what happens -------------------------------------------------------------------------------------------------

    def note(self, by: int, what: str, before: View, after: View) -> Deed:
        """Note a deed by what it changed on the disk."""
        deed = self._deed(by, what)
        changed = [place for place in {**before, **after} if before.get(place) != after.get(place)]
        had, has = _counts(before), _counts(after)
        for place in changed:
            old, new = before.get(place), after.get(place)
            if old and old.content and (token := self.tokens.get(old.content)):
                (token.handled if has[old.content] else token.removed).append(deed)
                token.is_thinned |= has[old.content] < had[old.content]
            if new and new.content:
                token = self.tokens.get(new.content)
                if token is None:
                    token = self.tokens[new.content] = Token(new.content, deed)
                token.handled.append(deed)
                token.stems.add(stem(place[-1]))
                if old and (replaced := self.tokens.get(old.content)):
                    token.stems |= replaced.stems
                token.stems |= self._stood.get((by, place), set())
                self._stood[by, place] = set(token.stems)
                token.places.add(place)
                token.folders.update(place[:depth] for depth in range(1, len(place)))
                token.is_named |= _COPY_MARK.search(place[-1]) is not None
                token.copies = max(token.copies, has[new.content])
                if not had[new.content]:
                    token.is_free = (
                        token.is_free or token.born is not deed
                    )  # it was brought back: from where, who knows
        folders = frozenset(p for p in changed for seen in (before.get(p), after.get(p)) if seen and seen.kind == "d")
        above = frozenset(place[:depth] for place in changed for depth in range(1, len(place)))
        self.deeds.append((deed, frozenset(stem(place[-1]) for place in changed), folders, above))
        return deed

    def note_amnesia(self, by: int, what: str, view: View) -> None:
        """Note that a device forgot what it knew: to the others, all it holds is as if written now."""
        self.clocks[by] = tuple(count if at == by else 0 for at, count in enumerate(self.clocks[by]))
        self._joining.add(by)
        deed = self._deed(by, what)
        for place, seen in view.items():
            if token := self.tokens.get(seen.content):
                token.handled.append(deed)
                token.stems.add(stem(place[-1]))
        for token in self.tokens.values():
            token.is_free = True
        self.deeds.append((deed, frozenset(stem(place[-1]) for place in view), frozenset(view), frozenset(view)))

    def note_sync(self, by: int, revision: int) -> None:
        """Note that a device and the head of this revision hold the same."""
        index = self.clocks[by][by]
        if by in self._joining:
            self._joining.remove(by)
            self._forgot[by].append((self._synced[by] + 1, index))
        self._synced[by] = index
        self._known_at.append((revision, self.clocks[by]))
        known = [clock for at, clock in self._known_at if at <= revision]
        self.clocks[by] = tuple(map(max, *known)) if len(known) > 1 else known[0]

    def is_whole(self, content: bytes) -> bool:
        """Tell whether a user's hand made this content, from its first byte to its last."""
        return not content or content in self.tokens

    def _deed(self, by: int, what: str) -> Deed:
        index = self.clocks[by][by] + 1
        self.clocks[by] = tuple(index if at == by else count for at, count in enumerate(self.clocks[by]))
        return Deed(by, index, self.clocks[by], what)

    # --- what must hold -----------------------------------------------------------------------------------------------

    def lost(self, held: frozenset[bytes], history: frozenset[bytes]) -> list[str]:
        """Name what is nowhere although nobody who saw it took it away (V2).

        A device without a state takes what the volume's `history` holds for an old version, and the volume's newer one
        for its successor (2.6): so a user's last move of an old content may be undone then, and nothing else.
        """
        return [
            f"V2 {_shown(token)} is lost: nobody removed or replaced it"
            for token in self.tokens.values()
            if not (token.removed or token.is_thinned or token.stems & JUNK)
            and token.content not in held
            and not (token.is_free and token.content in history)
        ]

    def resurrected(self, tree: View) -> list[str]:
        """Name what is back although everybody who handled it was known to who took it away (V4)."""
        found = []
        for seen in tree.values():
            token = self.tokens.get(seen.content)
            for removal in token.removed if token else ():
                assert token is not None
                if not self._is_forgotten(removal) and not self._is_excused(removal, token):
                    found.append(f"V4 {_shown(token)} is back: {removal.what} took it away, and nobody else had it")
        return found

    def needless_copies(self, tree: View) -> list[str]:
        """Name conflict copies without two who wrote at once, and contents that are there too often (V5)."""
        found = []
        for place, seen in tree.items():
            token = self.tokens.get(seen.content)
            if (
                token
                and not token.is_named
                and _COPY_MARK.search(place[-1])
                and not self._is_contested(token, {*token.stems, stem(place[-1])})
            ):
                found.append(f"V5 {_shown(token)} is a conflict copy, and there was no conflict")
        for content, count in _counts(tree).items():
            token = self.tokens.get(content)
            if token and count > token.copies and not token.is_free and not self._is_contested(token, token.stems):
                found.append(f"V5 {_shown(token)} is in {count} places")
        return found

    def _is_excused(self, removal: Deed, token: Token) -> bool:
        """Tell whether something that the remover did not know of may have kept it."""
        moved = (
            deed
            for deed, stems, folders, above in self.deeds
            if deed.by != removal.by and (folders & token.folders or above & token.places or stems & token.stems)
        )
        return not all(removal.knew(deed) for deed in (token.born, *token.handled, *moved))

    def _is_forgotten(self, deed: Deed) -> bool:
        spans = self._forgot[deed.by]
        return any(first <= deed.number <= last for first, last in spans) or (
            deed.by in self._joining and deed.number > self._synced[deed.by]
        )

    def _is_contested(self, token: Token, stems: set[bytes]) -> bool:
        """Tell whether some deed of another device on such a name and one on this content knew not of each other.

        Such a deed may have moved what this content was written over, and so saved it from the deletion of that.

        A device that forgot what it knew is in conflict with itself.
        """
        if any(map(self._is_forgotten, (token.born, *token.handled))):
            return True
        others = [deed for deed, touched, *_ in self.deeds if touched & stems]
        return any(
            other.by != deed.by and not deed.knew(other) and not other.knew(deed)
            for deed in (token.born, *token.handled)
            for other in others
        )


def stem(name: bytes) -> bytes:
    """Give a name without what sets copies apart, as a disk compares it that folds letters and forms."""
    text = unicodedata.normalize("NFC", name.decode(errors="surrogateescape")).casefold()
    return _NUMBER.sub(b"", _COPY_MARK.sub(b"", text.encode(errors="surrogateescape")))


def _counts(view: View) -> Counter[bytes]:
    return Counter(seen.content for seen in view.values() if seen.content)


def _shown(token: Token) -> str:
    """Show a content for people: its first words, and where it came from."""
    return f"{token.content[:24].decode(errors='replace')!r} (by {token.born.by}, {token.born.what})"
