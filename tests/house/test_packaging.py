"""What `setup.cfg` asks for is what the code imports, and what the wheel needs is named in it."""

from __future__ import annotations

import configparser
import re
import sys
from importlib.resources import files

import pytest

from tests.house.source import ROOT, modules

IMPORTED_AS = {"pynacl": "nacl"}


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    """Read `setup.cfg`."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def _names(requirements: str) -> set[str]:
    names = {re.split(r"[<>=\[]", line)[0] for line in requirements.split()}
    return {IMPORTED_AS.get(name, name) for name in names}


def _imported(top: str) -> set[str]:
    roots = {name.split(".")[0] for module in modules(top) for _, name in module.imported()}
    return roots - sys.stdlib_module_names - {"mega_cli", "mega_server"}


def test_the_client_requires_what_it_imports(setup: configparser.ConfigParser) -> None:
    """A package that is imported and not required breaks an install; one that is only required is dead weight."""
    assert _names(setup["options"]["install_requires"]) == _imported("mega_cli")


def test_the_server_requires_what_it_imports(setup: configparser.ConfigParser) -> None:
    """The extra `server` names what the client does not need already."""
    client = _names(setup["options"]["install_requires"])

    assert _names(setup["options.extras_require"]["server"]) == _imported("mega_server") - client


def test_every_requirement_has_a_lower_bound(setup: configparser.ConfigParser) -> None:
    """An install with an old package fails at once, not later in a strange way."""
    asked = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    requirements = [line for text in asked for line in text.split() if not line.startswith("mega-cli")]

    assert [line for line in requirements if ">=" not in line] == []


def test_the_sample_lies_in_the_package() -> None:
    """`mega quickstart` finds it wherever the package is installed."""
    assert (files("mega_cli") / "sample" / "README.txt").is_file()
