"""One target under atheris: `python -m tests.fuzz.guided TARGET [libFuzzer's arguments]`, guided by coverage.

The modules of both programs are instrumented while they are imported, so nothing of them may be imported before.
"""

from __future__ import annotations

import importlib
import os
import sys


def main() -> None:
    """Run libFuzzer; it ends the process."""
    name, *arguments = sys.argv[1:]
    atheris = importlib.import_module("atheris")  # by name: most who read the tests have none
    with atheris.instrument_imports(include=["mega_cli", "mega_server"]):
        from tests.fuzz.table import TARGETS  # noqa: PLC0415 -- instrumented while it is imported
    target = TARGETS[name]

    def run(raw: bytes) -> None:
        target.run(raw)

    atheris.Setup([name, *arguments], run)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a stream of ours
    os.environ.pop("MEGA_PASSWORD", None)
    main()
