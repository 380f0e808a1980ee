"""What holds over the whole suite: no (key, nonce) meets two messages (I5), no server gets a trace of a secret (I1).

Both are watched in this process and in every Python process that a test starts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit import recorder
from tests.kit.server import LiveServer


@pytest.fixture(scope="session", autouse=True)
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Record every seal; fail at the end of the session if any (key, nonce) met two messages."""
    folder = tmp_path_factory.mktemp("recorded")
    path = os.pathsep.join(filter(None, [str(recorder.SHIM_SITE), os.environ.get("PYTHONPATH", "")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(recorder.FOLDER, str(folder))
        patch.setenv("PYTHONPATH", path)
        recorder.install(folder)
        yield folder
    assert recorder.reused_keys(folder) == 0, "a (key, nonce) pair sealed two messages"


@pytest.fixture(scope="session", autouse=True)
def scanned_servers(recorded: Path) -> Iterator[None]:
    """Look through every live server, whenever one has stopped, for traces of secrets and contents."""
    end = LiveServer._end

    def end_and_scan(server: LiveServer) -> int:
        code = end(server)
        pieces = recorder.traces(recorded)
        for held in recorder.server_bytes(server.data_dir, server.log):
            assert not recorder.leaked_pieces(pieces, held), "a server holds a trace of a secret or of a content"
        return code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LiveServer, "_end", end_and_scan)
        yield
