"""How one pair is synced: what the user chose, what the disk can do, and how long things are waited for."""

from __future__ import annotations

from dataclasses import dataclass, field

from mega_cli.reconcile.situation import DeleteLimit, DiskRules, Mode


@dataclass(frozen=True, slots=True)
class Settings:
    """One pair's settings; the same for a whole run."""

    mode: Mode = Mode.TWO_WAY
    device: str = "device"
    """Names conflict copies."""
    limit: DeleteLimit = field(default_factory=DeleteLimit)
    disk: DiskRules = field(default_factory=DiskRules)
    ids_are_stable: bool = True
    """The disk keeps an inode's number as long as the file lives; otherwise moves are known by their content alone."""
    least_age_s: float = 2.0
    """A younger file may still be written to, and is not read yet."""
    absence_s: float = 3.0
    """A name must be missing twice, so far apart, before its absence is believed: the other half of a move may come."""
    trash_days: int = 30
    free_least_bytes: int = 1 << 30
    """Nothing is fetched that would leave less room than this."""
    part_least_bytes: int = 8 << 20
    """A larger download that is cut goes on where it stopped; a smaller one begins anew."""
    ignore_lines: tuple[str, ...] = ()
    """This device's own ignore rules, gitignore syntax; they come after every `.megaignore`."""
