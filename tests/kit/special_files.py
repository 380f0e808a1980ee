"""Files that are neither file, folder nor link. A system that has none skips the test that asks for one."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest


def make_pipe(path: Path) -> None:
    """Make a pipe that nobody reads or writes."""
    if sys.platform == "win32":
        pytest.skip("Windows keeps no pipes among its files")
    else:
        os.mkfifo(path)


def make_socket(path: Path) -> None:
    """Leave the file of a socket that nobody serves any more."""
    if sys.platform == "win32":
        pytest.skip("Windows keeps no sockets among its files")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
