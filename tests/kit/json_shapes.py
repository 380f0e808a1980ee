"""Reads the schema out of `docs/json.md` and holds documents to it: every documented field, and no other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "json.md"
_SIMPLE: Final[dict[str, tuple[type, ...]]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@dataclass(frozen=True)
class Section:
    """What one heading says: a table of fields, the messages that may be printed, or another command to look at."""

    fields: dict[str, str]
    lines: tuple[str, ...]
    alias: str
    text: str


def read_sections() -> dict[str, Section]:
    """Read the page, by heading."""
    _, *parts = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for part in parts:
        name, _, text = part.partition("\n")
        text = text.split("\n## ")[0]
        rows = re.findall(r"^\| ([\w…]+\??) \| ([\w ]+) \| .+ \|$", text, re.MULTILINE)
        fields = {field: kind for field, kind in rows if field != "field"}
        lines = re.search(r"^Lines: (.*)\.$", text, re.MULTILINE)
        alias = re.search(r"^As `([\w ]+)`\.$", text, re.MULTILINE)
        names = tuple(re.findall(r"`(\w+)`", lines[1])) if lines else ()
        found[name.strip()] = Section(fields, names, alias[1] if alias else "", text)
    return found


SECTIONS: Final = read_sections()


def mistakes(document: Any, name: str) -> list[str]:
    """List how a document differs from the section that describes it."""
    section = SECTIONS[name]
    if section.alias:
        return mistakes(document, section.alias)
    if section.lines:
        tried = [mistakes(document, line) for line in section.lines]
        return min(tried, key=len)
    if not isinstance(document, dict):
        return [f"{name} is no object"]
    needed = {field for field in section.fields if not field.endswith("?") and field != "…"}
    known = {field.rstrip("?") for field in section.fields}
    found = [f"{name} lacks {field}" for field in sorted(needed - document.keys())]
    if "…" not in known:
        found += [f"{name} has {field}, which is not documented" for field in sorted(document.keys() - known)]
    for field, kind in section.fields.items():
        if field.rstrip("?") in document and not _is_of(document[field.rstrip("?")], kind):
            found.append(f"{name}.{field} is not {kind}: {document[field.rstrip('?')]!r}")
    constant = re.search(r"^\| message_type \| text \| `(\w+)` \|$", section.text, re.MULTILINE)
    if constant and document.get("message_type") != constant[1]:
        found.append(f"{name} has another message_type")
    return found


def _is_of(value: Any, kind: str) -> bool:
    if kind == "anything":
        return True
    if " or " in kind:
        return any(_is_of(value, part) for part in kind.split(" or "))
    if kind.startswith("list of "):
        return isinstance(value, list) and all(_is_of(item, kind.removeprefix("list of ")) for item in value)
    if kind in _SIMPLE:
        return isinstance(value, _SIMPLE[kind]) and (kind == "boolean" or not isinstance(value, bool))
    return not mistakes(value, kind)
