"""Python imports this at its start: it lets the suite's recorder see what a subprocess seals. Never shipped."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path


def _install() -> None:
    """Load the recorder by its path: `tests` need not be importable where the subprocess runs."""
    folder = os.environ.get("RECORD_SEALS_IN")
    if not folder or not Path(folder).is_dir():
        return
    spec = importlib.util.spec_from_file_location("_seal_recorder", Path(__file__).parent.parent / "recorder.py")
    assert spec is not None
    assert spec.loader is not None
    recorder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recorder)
    recorder.install(Path(folder))


_install()
