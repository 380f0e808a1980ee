"""The man pages say what the commands' help says, and render without a complaint."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess

import pytest

from tests.house.make_man import MAN, man_pages
from tests.house.source import ROOT

PAGES = man_pages()


def test_no_page_is_missing_or_left_over() -> None:
    """`make man` mends it."""
    assert sorted(path.name for path in MAN.glob("*")) == sorted(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_in_step(name: str) -> None:
    """It is what the help says; `make man` mends it."""
    assert (MAN / name).read_text(encoding="utf-8") == PAGES[name]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_renders(name: str) -> None:
    """No warning of groff, where groff is installed, and every line of it is printable."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-K", "utf8", "-man", "-ww", "-Tutf8", str(MAN / name)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "EXAMPLES" in re.sub(".\b", "", done.stdout) or name == "mega.1"


def test_the_wheel_carries_them() -> None:
    """`man mega` works after an install."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")

    assert setup["options.data_files"]["share/man/man1"].strip() == "man/*.1"
