"""`make web`: fetch the page's libraries from npm again, by pinned version and integrity hash, and write the MANIFEST.

npm's own client fetches; nothing of a package is run. A tarball whose SHA-512 is not the pinned one ends it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.kit import web_manifest

VENDOR: Final = web_manifest.WEB / "app" / "vendor"


@dataclass(frozen=True)
class Package:
    """A package of npm: its SHA-512, and which of its files become which of ours."""

    name: str
    integrity: str
    files: dict[str, str]
    change: tuple[bytes, bytes] = (b"", b"")
    """The one edit: a browser has no bare imports."""


PACKAGES: Final = (
    Package(
        "libsodium-sumo@0.8.4",
        "TMtHShQfVVsaxDygyapvUC3o7YsPgXa/hRWeIgzyFz6w5k/1hirGptCxp1U7XwW3rCskaTTYKgV10v86UiGgNw==",
        {"dist/modules-sumo-esm/libsodium-sumo.mjs": "libsodium-sumo.mjs"},
    ),
    Package(
        "libsodium-wrappers-sumo@0.8.4",
        "ql7hcgulKZ3ekfa2DGAogcCKsWU0diA/0nArz1CFzh93WQdb46/Kj18ka/Hifq6uA3Ush34Pc6vU/6HXeRwUkg==",
        {"dist/modules-sumo-esm/libsodium-wrappers.mjs": "libsodium-wrappers.mjs", "LICENSE": "libsodium.LICENSE"},
        (b'from"libsodium-sumo"', b'from"./libsodium-sumo.mjs"'),
    ),
    Package(
        "fzstd@0.1.1",
        "dkuVSOKKwh3eas5VkJy1AW1vFpet8TA/fGmVA5krThl8YcOVE/8ZIoEA1+U1vEn5ckxxhLirSdY837azmbaNHA==",
        {"esm/index.mjs": "fzstd.mjs", "LICENSE": "fzstd.LICENSE"},
    ),
)


def fetched(package: Package, folder: Path) -> dict[str, bytes]:
    """Fetch a package and give our files. Raises SystemExit when it is not the pinned one."""
    if shutil.which("npm") is None:
        sys.exit("make web needs npm; on Debian: sudo apt install npm")
    subprocess.run(["npm", "pack", "--silent", package.name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (tarball,) = folder.glob("*.tgz")
    raw = tarball.read_bytes()
    tarball.unlink()
    if base64.b64encode(hashlib.sha512(raw).digest()).decode() != package.integrity:
        sys.exit(f"{package.name} from npm is not the package that was pinned: nothing was changed")
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        members = {name: archive.extractfile(f"package/{member}") for member, name in package.files.items()}
        return {name: file.read().replace(*package.change) for name, file in members.items() if file is not None}


def main() -> None:
    """Write every library again, then the MANIFEST."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: raw for package in PACKAGES for name, raw in fetched(package, Path(folder)).items()}
    for name, raw in files.items():
        (VENDOR / name).write_bytes(raw)
    web_manifest.write()


if __name__ == "__main__":
    main()
