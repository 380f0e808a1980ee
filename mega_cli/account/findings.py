"""What a check of `mega doctor` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `summary` may be posted anywhere, `detail` and `fix` are for the owner alone."""

    check: str
    is_well: bool
    summary: str
    fix: str = ""
    detail: str = ""
    code: int = 1
    """The exit code of `mega doctor` when this is the only trouble."""


def well(check: str, summary: str, detail: str = "") -> Finding:
    """Say that a check found nothing wrong."""
    return Finding(check, is_well=True, summary=summary, detail=detail, code=0)


def problem(check: str, summary: str, fix: str, detail: str = "", code: int = 1) -> Finding:
    """Say what a check found wrong, and what mends it."""
    return Finding(check, is_well=False, summary=summary, fix=fix, detail=detail, code=code)


def exit_code_of(findings: list[Finding]) -> int:
    """Give 0 when all is well, the code of the trouble when there is one kind, else 1."""
    codes = {finding.code for finding in findings if not finding.is_well}
    return codes.pop() if len(codes) == 1 else min(len(codes), 1)
