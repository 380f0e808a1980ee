"""What people and their programs do to a synced folder: each thing a few steps, and anything may happen between them.

A habit is a generator: it does one step, yields, and goes on when the world comes back to it, perhaps much later. It
works on the disk directly, as any program does, and knows nothing of the engine. Every content it writes is unique.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final, final

from mega_cli.localfs.disk import Place
from mega_cli.localfs.sim_user import SimUser
from tests.simulator.clocks import SECOND_NS
from tests.simulator.ledger import View

FILE_NAMES: Final = (b"a", b"b", b"c.txt", b"d.tar.gz", b".rc", "é".encode(), b"A")
FOLDER_NAMES: Final = (b"a", b"p", b"q", b"r", b"P")
IGNORED_NAMES: Final = (b"x.swp", b"~$c.docx", b".DS_Store")
_HIDDEN: Final = b"hidden.swp"
MODES: Final = (0o644, 0o600, 0o755, 0o444)
_DEPTH_MOST: Final = 4
_ITEMS_MOST: Final = 24

Steps = Iterator[str]
"""What was done, in words, after each step."""


@final
class Person:
    """Somebody at one device. `look` shows the disk, `now_ns` the clock on the wall."""

    def __init__(
        self, name: str, user: SimUser, look: Callable[[], View], now_ns: Callable[[], int], chance: random.Random
    ) -> None:
        self.name = name
        self.now_ns = now_ns
        self.user = user
        self.look = look
        self.chance = chance
        self._count = 0

    def has_ticked_since(self, place: Place) -> bool:
        """Tell whether a change would show in the ctime: the slowest clock of a disk ticks every two seconds."""
        return abs(self.now_ns() - self.user.look(place).stamps.ctime_ns) > 3 * SECOND_NS

    # --- choosing -----------------------------------------------------------------------------------------------------

    def words(self, why: str) -> bytes:
        """Make a content that nobody ever wrote, some of them longer than a page."""
        self._count += 1
        text = f"{self.name}{self._count} {why} ".encode()
        return text + b"." * self.chance.choice((0, 0, 7, 5_000)) + b"|"

    def some(self, *kinds: str) -> Place | None:
        """Choose something that is there."""
        places = [place for place, seen in self.look().items() if seen.kind in kinds]
        return self.chance.choice(places) if places else None

    def some_folder(self) -> Place:
        """Choose a folder, perhaps the one all is in."""
        return self.chance.choice([(), *(place for place, seen in self.look().items() if seen.kind == "d")])

    def new_place(self, names: tuple[bytes, ...] = FILE_NAMES) -> Place | None:
        """Choose a name that nothing has."""
        view = self.look()
        place = (*self.some_folder(), self.chance.choice(names))
        return None if place in view or len(place) > _DEPTH_MOST or len(view) > _ITEMS_MOST else place


# --- files ------------------------------------------------------------------------------------------------------------


def write_new(person: Person) -> Steps:
    """Write a new file."""
    if place := person.new_place():
        person.user.write(place, person.words("new"))
        yield f"write {shown(place)}"


def write_in_place(person: Person) -> Steps:
    """Write over a file, its inode kept."""
    if place := person.some("f"):
        person.user.write(place, person.words("edit"))
        yield f"edit {shown(place)}"


def save(person: Person) -> Steps:
    """Write beside a file and rename over it, as careful programs do."""
    if place := person.some("f"):
        beside = (*place[:-1], b".goutputstream-" + person.chance.randbytes(3).hex().encode())
        person.user.write(beside, person.words("save"))
        yield f"save {shown(place)} at {shown(beside)}"
        person.user.rename(beside, place)
        yield f"rename {shown(beside)} over {shown(place)}"


def save_as_vim(person: Person) -> Steps:
    """Move the old version aside, write the new one, remove the old one."""
    if place := person.some("f"):
        aside = (*place[:-1], place[-1] + b"~")
        person.user.rename(place, aside)
        yield f"rename {shown(place)} to {shown(aside)}"
        person.user.write(place, person.words("vim"))
        yield f"write {shown(place)}"
        person.user.remove(aside)
        yield f"remove {shown(aside)}"


def write_slowly(person: Person) -> Steps:
    """Append to a file again and again."""
    if place := person.some("f"):
        for _ in range(person.chance.randrange(2, 5)):
            person.user.append(place, person.words("more"))
            yield f"append to {shown(place)}"


def rewrite_unseen(person: Person) -> Steps:
    """Write another content of the same size and give it the old time back: only the ctime shows it, once it ticks."""
    place = person.some("f")
    seen = person.look().get(place) if place else None
    if place and seen and len(seen.content) > 24 and person.has_ticked_since(place):
        fresh = person.words("unseen")
        person.user.write(place, (fresh[:-1] + b"." * len(seen.content))[: len(seen.content) - 1] + b"|")
        person.user.touch(place, seen.mtime_ns)
        yield f"rewrite {shown(place)} with its old time"


def change_mode(person: Person) -> Steps:
    """Change permissions."""
    if place := person.some("f"):
        person.user.chmod(place, person.chance.choice(MODES))
        yield f"chmod {shown(place)}"


def touch(person: Person) -> Steps:
    """Set a file's time: to an old one, to one long ago, to one that has not come."""
    place = person.some("f")
    seen = person.look().get(place) if place else None
    if place and seen:
        old_ns = seen.mtime_ns - person.chance.choice((1, 2, 3_600)) * SECOND_NS
        time_ns = person.chance.choice((old_ns, old_ns, 0, -5 * SECOND_NS, 4_000_000_000 * SECOND_NS))
        person.user.touch(place, time_ns)
        yield f"touch {shown(place)}"


def remove(person: Person) -> Steps:
    """Remove a file or link."""
    if place := person.some("f", "l"):
        person.user.remove(place)
        yield f"remove {shown(place)}"


def write_ignored(person: Person) -> Steps:
    """Write a file that is never synced."""
    place = (*person.some_folder(), person.chance.choice(IGNORED_NAMES))
    person.user.write(place, person.words("ignored"))
    yield f"write {shown(place)}"


# --- moves ------------------------------------------------------------------------------------------------------------


def rename_file(person: Person) -> Steps:
    """Move a file or link to a free place."""
    source, target = person.some("f", "l"), person.new_place()
    if source and target:
        person.user.rename(source, target)
        yield f"move {shown(source)} to {shown(target)}"


def move_over(person: Person) -> Steps:
    """Move a file over another one."""
    source, target = person.some("f"), person.some("f")
    if source and target and source != target:
        person.user.rename(source, target)
        yield f"move {shown(source)} over {shown(target)}"


def rename_folder(person: Person) -> Steps:
    """Move a folder to a free place that is not inside it."""
    source, target = person.some("d"), person.new_place(FOLDER_NAMES)
    if source and target and target[: len(source)] != source:
        person.user.rename(source, target)
        yield f"move {shown(source)} to {shown(target)}"


def rename_and_make_again(person: Person) -> Steps:
    """Move a folder away and make a new one of its name."""
    source, target = person.some("d"), person.new_place(FOLDER_NAMES)
    if source and target and target[: len(source)] != source:
        person.user.rename(source, target)
        yield f"move {shown(source)} to {shown(target)}"
        person.user.make_folder(source)
        yield f"make folder {shown(source)}"


def swap(person: Person) -> Steps:
    """Let two files, or two folders, change places."""
    kind = person.chance.choice("ffd")
    one, other = person.some(kind), person.some(kind)
    if one and other and one[: len(other)] != other and other[: len(one)] != one:
        aside = (*one[:-1], b"aside")
        for source, target in ((one, aside), (other, one), (aside, other)):
            person.user.rename(source, target)
            yield f"move {shown(source)} to {shown(target)}"


def rotate(person: Person) -> Steps:
    """Rotate logs: 1 becomes 2, the log becomes 1, a new log begins."""
    folder = person.some_folder()
    log, first, second = ((*folder, name) for name in (b"log", b"log.1", b"log.2"))
    view = person.look()
    if first in view:
        person.user.rename(first, second)
        yield f"move {shown(first)} over {shown(second)}"
    if log in view:
        person.user.rename(log, first)
        yield f"move {shown(log)} to {shown(first)}"
    person.user.write(log, person.words("log"))
    yield f"write {shown(log)}"


def change_case(person: Person) -> Steps:
    """Rename to the same name in other letters; what is ignored stays so, on disks that tell cases apart and others."""
    place = person.some("f", "d")
    if place and place[-1] not in (*IGNORED_NAMES, _HIDDEN):
        target = (*place[:-1], place[-1].swapcase())
        if target not in person.look() and target != place:
            person.user.rename(place, target)
            yield f"move {shown(place)} to {shown(target)}"


def hide(person: Person) -> Steps:
    """Move a file to a name that is never synced, and later back."""
    place = person.some("f")
    if place:
        hidden = (*place[:-1], _HIDDEN)
        person.user.rename(place, hidden)
        yield f"move {shown(place)} to {shown(hidden)}"
        if place not in person.look():
            person.user.rename(hidden, place)
            yield f"move {shown(hidden)} to {shown(place)}"


# --- folders and links ------------------------------------------------------------------------------------------------


def make_folders(person: Person) -> Steps:
    """Make a folder, and one in it, with a file."""
    if place := person.new_place(FOLDER_NAMES):
        person.user.make_folder(place)
        yield f"make folder {shown(place)}"
        if len(place) < _DEPTH_MOST:
            inner = (*place, person.chance.choice(FOLDER_NAMES))
            person.user.make_folder(inner)
            person.user.write((*inner, person.chance.choice(FILE_NAMES)), person.words("deep"))
            yield f"make folder {shown(inner)} with a file"


def remove_folder(person: Person) -> Steps:
    """Remove a folder and all below it, one by one."""
    if place := person.some("d"):
        below = [at for at in person.look() if at[: len(place)] == place]
        for at in sorted(below, key=lambda at: (-len(at), at)):
            if at in person.look():
                person.user.remove(at)
                yield f"remove {shown(at)}"


def remove_tree(person: Person) -> Steps:
    """Remove a folder and all below it at once."""
    if place := person.some("d"):
        person.user.remove(place)
        yield f"remove {shown(place)} and all below"


def replace_by_file(person: Person) -> Steps:
    """Replace a folder by a file of its name, and perhaps back."""
    if place := person.some("d"):
        person.user.remove(place)
        person.user.write(place, person.words("was folder"))
        yield f"replace {shown(place)} by a file"
        if person.chance.random() < 0.5:
            person.user.remove(place)
            person.user.make_folder(place)
            yield f"replace {shown(place)} by a folder"


def replace_by_folder(person: Person) -> Steps:
    """Replace a file by a folder with a file in it."""
    if place := person.some("f"):
        person.user.remove(place)
        person.user.make_folder(place)
        yield f"replace {shown(place)} by a folder"
        person.user.write((*place, b"a"), person.words("was file"))
        yield f"write in {shown(place)}"


def make_link(person: Person) -> Steps:
    """Make a symbolic link, which may lead anywhere."""
    if place := person.new_place():
        where = person.chance.choice((b"/etc/passwd?", b"../../up?", b"a?"))
        person.user.link(place, where + person.words("to")[:20])
        yield f"link {shown(place)}"


def point_elsewhere(person: Person) -> Steps:
    """Let a link point elsewhere."""
    if place := person.some("l"):
        person.user.remove(place)
        person.user.link(place, b"/?" + person.words("re")[:20])
        yield f"link {shown(place)} again"


HABITS: Final[tuple[tuple[Callable[[Person], Steps], int], ...]] = (
    (write_new, 12),
    (write_in_place, 10),
    (save, 5),
    (save_as_vim, 3),
    (write_slowly, 3),
    (rewrite_unseen, 3),
    (change_mode, 3),
    (touch, 3),
    (remove, 6),
    (write_ignored, 1),
    (rename_file, 6),
    (move_over, 3),
    (rename_folder, 6),
    (rename_and_make_again, 2),
    (swap, 3),
    (rotate, 2),
    (change_case, 2),
    (hide, 1),
    (make_folders, 8),
    (remove_folder, 2),
    (remove_tree, 3),
    (replace_by_file, 1),
    (replace_by_folder, 1),
    (make_link, 2),
    (point_elsewhere, 1),
)
"""With how often each is seen."""


def shown(place: Place) -> str:
    """Write a place for people."""
    return b"/".join(place).decode(errors="backslashreplace") or "."
