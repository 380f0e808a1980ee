"""The documents point at what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.source import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FORMATS = sorted((ROOT / "docs" / "formats").glob("*.md"))
LINK = re.compile(r"\]\((?!https?://)([^)\s]+)\)")
CODE_PATH = re.compile(r"`((?:mega_cli|mega_server|tests|docs)/[\w/.*-]+)`")
VECTORS = re.compile(r"vectors ((?:`[\w-]+`(?:, | and )?)+)")
BLOCKS = re.compile(r"```.*?```", re.DOTALL)


def _id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", BLOCKS.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link inside the project names a file that is there, and a heading in it."""
    broken = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists() or (anchor and anchor not in _anchors(linked)):
            broken.append(target)

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_paths_of_code_exist(page: Path) -> None:
    """A file or folder of the project that a document names is there."""
    named = CODE_PATH.findall(page.read_text(encoding="utf-8"))

    assert [path for path in named if not any(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("page", FORMATS, ids=_id)
def test_a_format_has_its_vectors(page: Path) -> None:
    """The vectors that a format's page names stand in `tests/vectors/`."""
    names = [name for run in VECTORS.findall(page.read_text(encoding="utf-8")) for name in re.findall(r"[\w-]+", run)]

    assert [name for name in names if not (ROOT / "tests" / "vectors" / f"{name}.json").is_file()] == []


def test_every_file_of_vectors_is_named_by_a_document() -> None:
    """Vectors without a description cannot be implemented by anybody else."""
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    files = sorted(path.stem for path in (ROOT / "tests" / "vectors").glob("*.json"))

    assert [name for name in files if f"`{name}`" not in text and f"{name}.json" not in text] == []


def test_the_index_of_formats_is_whole() -> None:
    """The first page of `docs/formats/` leads to every other."""
    index = (ROOT / "docs" / "formats" / "README.md").read_text(encoding="utf-8")

    assert [page.name for page in FORMATS if page.name != "README.md" and f"({page.name})" not in index] == []


def test_decisions_are_numbered_in_order() -> None:
    """`docs/adr/` has no gap, and each page's title carries its number."""
    pages = sorted((ROOT / "docs" / "adr").glob("*.md"))

    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}: ")


def test_the_changelog_has_its_sections() -> None:
    """Keep a Changelog: versions under second headings, the present work or the newest version first."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert sections
    assert all(re.fullmatch(r"\[(Unreleased|\d+\.\d+\.\d+)\](?: - \d{4}-\d\d-\d\d)?", section) for section in sections)
