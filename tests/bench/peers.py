"""restic, borg and rclone as contestants, each with its own defaults unless a comment says otherwise."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.bench.contestant import Contestant, Place
from tests.bench.data import stored_since
from tests.bench.mega import BIN, Mega
from tests.bench.process import Run, Server, StepFailedError

_PASSWORD = "only-measured"
_VERSION_TIMEOUT_S = 30.0


class Restic:
    """restic over its REST protocol, which `rclone serve restic` speaks."""

    def __init__(self, place: Place) -> None:
        """Use an empty folder."""
        self._place = place
        self._store = place.folder / "store"
        self._runner = place.runner()
        self.server: Server | None = None

    def open(self) -> None:
        """Start the server and make a repository."""
        self._store.mkdir()
        self.server = _rclone_server("restic", self._store, self._place)
        repository = f"rest:http://127.0.0.1:{self.server.port}/"
        self._runner = self._place.runner(RESTIC_PASSWORD=_PASSWORD, RESTIC_REPOSITORY=repository)
        self._runner.run((found("restic"), "init"), self._place.folder)

    def put(self, source: Path) -> Run:
        """Make a snapshot of a relative path, which is how it comes back."""
        return self._runner.run((found("restic"), "backup", "--quiet", source.name), source.parent)

    def get(self, name: str, target: Path) -> Run:
        """Restore the last snapshot, which holds what was put last and nothing else."""
        del name
        return self._runner.run((found("restic"), "restore", "latest", "--quiet", "--target", target), target)

    def uploaded_bytes(self, run: Run, since_ns: int) -> int | None:
        """Sum the files that the server wrote; restic never changes one."""
        del run
        return stored_since(self._store, since_ns)

    def close(self) -> None:
        """Stop the server."""
        if self.server is not None:
            self.server.__exit__()


class Borg:
    """borg in a local repository: no server, no network.

    `repokey` and not `repokey-blake2`: the faster of the two where SHA-256 is in hardware, as on all recent x86.
    """

    def __init__(self, place: Place) -> None:
        """Use an empty folder."""
        self._folder = place.folder
        self._repository = place.folder / "repository"
        self._runner = place.runner(BORG_PASSPHRASE=_PASSWORD, BORG_BASE_DIR=str(place.folder))
        self._archives = 0
        self.server: Server | None = None

    def open(self) -> None:
        """Make the repository."""
        self._runner.run((found("borg"), "init", "--encryption", "repokey", self._repository), self._folder)

    def put(self, source: Path) -> Run:
        """Make one more archive."""
        self._archives += 1
        return self._runner.run((found("borg"), "create", self._archive, source.name), source.parent)

    def get(self, name: str, target: Path) -> Run:
        """Extract the last archive, which holds what was put last and nothing else."""
        del name
        return self._runner.run((found("borg"), "extract", self._archive), target)

    def uploaded_bytes(self, run: Run, since_ns: int) -> int | None:
        """Sum the segments that were written; hints and index, which stay with a repository, do not count."""
        del run
        return stored_since(self._repository / "data", since_ns)

    def close(self) -> None:
        """Do nothing: there is no server."""

    @property
    def _archive(self) -> str:
        return f"{self._repository}::{self._archives}"


class Rclone:
    """rclone crypt over WebDAV, which `rclone serve webdav` speaks."""

    def __init__(self, place: Place) -> None:
        """Use an empty folder."""
        self._place = place
        self._store = place.folder / "store"
        self._runner = place.runner()
        self.server: Server | None = None

    def open(self) -> None:
        """Start the server; the configuration is variables alone."""
        self._store.mkdir()
        self.server = _rclone_server("webdav", self._store, self._place)
        obscured = self._runner.run((found("rclone"), "obscure", _PASSWORD), self._place.folder).stdout.strip()
        self._runner = self._place.runner(
            RCLONE_CONFIG_DAV_TYPE="webdav",
            RCLONE_CONFIG_DAV_VENDOR="rclone",  # with it modification times are kept, as the others keep them
            RCLONE_CONFIG_DAV_URL=f"http://127.0.0.1:{self.server.port}",
            RCLONE_CONFIG_SECRET_TYPE="crypt",
            RCLONE_CONFIG_SECRET_REMOTE="dav:",
            RCLONE_CONFIG_SECRET_PASSWORD=obscured,
        )

    def put(self, source: Path) -> Run:
        """Copy to the same name."""
        return self._runner.run((found("rclone"), "copyto", source.name, f"secret:{source.name}"), source.parent)

    def get(self, name: str, target: Path) -> Run:
        """Copy back."""
        return self._runner.run((found("rclone"), "copyto", f"secret:{name}", target / name), self._place.folder)

    def uploaded_bytes(self, run: Run, since_ns: int) -> int | None:
        """Sum the files that the server wrote: rclone sends a file whole or not at all."""
        del run
        return stored_since(self._store, since_ns)

    def close(self) -> None:
        """Stop the server."""
        if self.server is not None:
            self.server.__exit__()


PEERS: dict[str, type[Restic | Borg | Rclone]] = {"restic": Restic, "borg": Borg, "rclone": Rclone}
_NEEDS = {"restic": ("restic", "rclone"), "borg": ("borg",), "rclone": ("rclone",)}


def make(name: str, place: Place) -> Contestant:
    """Build a contestant by its name."""
    return Mega(place) if name == "mega" else PEERS[name](place)


def missing(name: str) -> list[str]:
    """List the programs that a contestant needs and that are not here."""
    return [program for program in _NEEDS.get(name, ("mega", "mega-server")) if _path(program) is None]


def found(program: str) -> str:
    """Find a program, in this environment first. Raises StepFailedError."""
    path = _path(program)
    if path is None:
        raise StepFailedError(f"{program} is not installed")
    return path


def version(program: str) -> str:
    """Ask a program for the first line of its version."""
    option = "version" if program in {"restic", "rclone"} else "--version"
    answer = subprocess.run(
        (found(program), option), capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
    )
    return (answer.stdout or answer.stderr).strip().partition("\n")[0]


def _path(program: str) -> str | None:
    return shutil.which(program, path=str(BIN)) or shutil.which(program)


def _rclone_server(protocol: str, store: Path, place: Place) -> Server:
    command = (found("rclone"), "serve", protocol, "--addr", "127.0.0.1:{port}", store)
    return Server(command, place.runner().environment, place.folder / "server.log").__enter__()
