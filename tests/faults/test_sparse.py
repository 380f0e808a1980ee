"""A file that is mostly holes: put and got whole with memory that does not follow its size.

64 MiB in `make test`; `make faults` takes 5 GiB. A get writes the zeros: what comes back is whole and not sparse.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mega_cli.model import MIB
from tests.kit.forge import fixed
from tests.kit.server import LiveServer

SIZE = int(os.environ.get("FAULTS_SPARSE_MIB", "64")) * MIB
MOST_RSS_MIB = 256
MOST_S = 1_200
PROGRAM = """
import re, sys
from mega_cli.main import main
code = main(sys.argv[1:])
sys.stderr.write(re.search("VmHWM.*", open("/proc/self/status").read()).group())
sys.exit(code)
"""


def peak_rss_mib(home: Path, *words: str) -> int:
    """Run a command in a process of its own, and give the most memory it held."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        env=os.environ | {"MEGA_HOME": str(home)},
        cwd=Path(__file__).parents[2],
        timeout=MOST_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"VmHWM:\s+(\d+) kB", done.stderr)
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_sparse_file_costs_no_memory(tmp_path: Path) -> None:
    """Holes with islands at both ends and in the middle: the same bytes come back, within 256 MiB either way."""
    home, source, out = tmp_path / "home", tmp_path / "sparse", tmp_path / "out"
    with source.open("wb") as file:
        for at in (0, SIZE // 2 + 12_345, SIZE - 100):
            file.seek(at)
            file.write(fixed(str(at), 100))
    (tmp_path / "password").write_text("a long password of many words 77")
    with LiveServer(tmp_path / "server") as server:
        told = ("--server", server.url, "--password-file", str(tmp_path / "password"))
        peak_rss_mib(home, "signup", *told, "--recovery-kit", str(tmp_path / "kit"), "alice")
        for_put = peak_rss_mib(home, "put", str(source), "/")
        for_get = peak_rss_mib(home, "get", "/sparse", str(out))
        stored = sum(path.stat().st_size for path in server.data_dir.rglob("*") if path.is_file())

    assert source.stat().st_size == out.stat().st_size == SIZE
    with source.open("rb") as one, out.open("rb") as other:
        while piece := one.read(MIB):
            assert other.read(MIB) == piece
    assert max(for_put, for_get) < MOST_RSS_MIB
    assert stored < max(64 * MIB, SIZE // 50)
    if "FAULTS_SPARSE_MIB" in os.environ:
        sys.stderr.write(
            f"{SIZE // MIB} MiB sparse: put {for_put} MiB, get {for_get} MiB, stored {stored / MIB:.1f} MiB\n"
        )
