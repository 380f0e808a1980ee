"""Why one path is as it is, in words and as fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from mega_cli.output.sync import REASONS
from mega_cli.output.units import moment_text, rfc3339
from mega_cli.sync.why import Status, Why


def why_lines(answer: Why) -> list[str]:
    """Write the status, why it is so, and what to do."""
    lines = [f"{answer.path}: {answer.status}{_clause(answer)}"]
    if answer.since_ns:
        lines.append(f"since {moment_text(answer.since_ns)}")
    remedy = remedy_text(answer)
    return [*lines, f"to do: {remedy}"] if remedy else lines


def _clause(answer: Why) -> str:
    """Write why, with a comma or colon before it; nothing where the status says it all."""
    if answer.rule is not None:
        return f" by line {answer.rule.number} of {answer.rule.source}: {answer.rule.line}"
    if answer.status is Status.OWN:
        return ", it is mega's own and is never synced"
    if answer.status is Status.CONFLICT:
        return f" copy of {answer.detail}, and synced as any file"
    if answer.status is Status.HELD:
        return f", its deletion waits for your word under the name {answer.detail}"
    if answer.reason is not None:
        why = REASONS[answer.reason][0]
        return f", with {answer.detail}: {why}" if answer.detail else f": {why}"
    return f": {answer.detail}" if answer.detail else ""


def remedy_text(answer: Why) -> str:
    """Say what to do; nothing when there is nothing."""
    if answer.status is Status.HELD:
        return f"mega held approve {answer.detail}; or: mega held reject {answer.detail}"
    if answer.status is Status.CONFLICT:
        return "mega conflicts resolve --keep local, remote or both"
    if answer.status is Status.PENDING:
        return answer.pair.command
    return "" if answer.reason is None or answer.rule is not None else REASONS[answer.reason][1]


def why_fields(answer: Why) -> Mapping[str, object]:
    """Build the document."""
    rule = answer.rule
    return {
        "pair": answer.pair.id,
        "path": answer.path,
        "status": str(answer.status),
        "reason": "" if answer.reason is None else str(answer.reason),
        "detail": answer.detail,
        "rule": None if rule is None else {"source": rule.source, "line": rule.number, "text": rule.line},
        "since": rfc3339(answer.since_ns) if answer.since_ns else None,
        "since_ns": answer.since_ns or None,
        "to_do": remedy_text(answer),
    }
