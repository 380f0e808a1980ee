"""An install without a clone: sdist and wheel are built from the tracked files, installed, used and uninstalled.

Nothing is fetched: the new environment sees this one's packages, after its own, and a test makes sure that it runs the
installed copy.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"
PROJECT = (
    "mega_cli",
    "mega_server",
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "MANIFEST.in",
)
"""What a build may look at; a folder of caches or an editable install must not help it."""


def run(words: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Run a program that must succeed, outside the repository, and give what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEGA_", "PYTHON"))}
    done = subprocess.run(words, cwd=cwd, env=kept | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(kind: str, source: Path, into: Path) -> Path:
    """Build a distribution as pip would: through the backend that `pyproject.toml` names."""
    into.mkdir(exist_ok=True)
    return into / run([sys.executable, "-c", BUILD, kind, into], source).splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the source distribution."""
    source = tmp_path_factory.mktemp("source")
    for name in PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, source)
    return built("build_sdist", source, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the source distribution alone."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(unpacked)
    (source,) = unpacked.iterdir()
    return built("build_wheel", source, sdist.parent)


@pytest.fixture
def scripts(wheel: Path, tmp_path: Path) -> Path:
    """Install the wheel into an environment of its own and give its folder of programs."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    places = sysconfig.get_paths("venv", {"base": str(home), "platbase": str(home)})
    Path(places["purelib"], "packages-of-the-tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    bin_folder = Path(places["scripts"])
    run([bin_folder / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], tmp_path)
    return bin_folder


def test_the_wheel_holds_every_file_of_both_packages(wheel: Path) -> None:
    """What runs in a clone runs from a wheel: modules, the sample, migrations, type marks."""
    found = (path for top in ("mega_cli", "mega_server") for path in (ROOT / top).rglob("*") if path.is_file())
    files = {path.relative_to(ROOT).as_posix() for path in found}
    shipped = {file for file in files if not any(part.startswith((".", "__pycache__")) for part in file.split("/"))}

    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())

    assert shipped - held == set()


def test_an_installed_mega_works_and_goes_without_taking_data(scripts: Path, tmp_path: Path) -> None:
    """Installed, it starts a server, stores and proves a folder; uninstalled, programs go and the store stays."""
    home = tmp_path / "mega home"
    which = run([scripts / "python", "-c", "import mega_cli; print(mega_cli.__file__)"], tmp_path)
    version = run([scripts / "mega", "--version"], tmp_path)

    told = run([scripts / "mega", "quickstart"], tmp_path, HOME=str(tmp_path), MEGA_HOME=str(home))
    kept = sorted(path for path in home.rglob("*") if path.is_file())
    run([scripts / "python", "-m", "pip", "uninstall", "--quiet", "--yes", "mega-cli"], tmp_path)

    assert str(tmp_path) in which
    assert version.startswith("mega ")
    assert "equal" in told
    assert not (scripts / "mega").exists()
    assert not (scripts / "mega-server").exists()
    assert sorted(path for path in home.rglob("*") if path.is_file()) == kept != []
