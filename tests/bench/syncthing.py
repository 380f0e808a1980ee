"""Syncthing as a neighbour of the daemon: two instances on loopback that mirror one folder, in their default settings.

No discovery, no relay, no report: nothing leaves the machine. It neither keeps a third copy nor hides names.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Final, final
from xml.etree import ElementTree as ET

from tests.bench.process import StepFailedError

_READY_S: Final = 60.0
_STOP_S: Final = 20.0
_OFF: Final = {
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "relaysEnabled": "false",
    "startBrowser": "false",
    "natEnabled": "false",
    "urAccepted": "-1",
    "crashReportingEnabled": "false",
    "autoUpgradeIntervalH": "0",
    "reconnectionIntervalS": "5",
}


@final
class Syncthing:
    """Two instances, each with a folder of its own."""

    name = "syncthing"

    def __init__(self, place: Path, folders: Sequence[Path]) -> None:
        """Write their settings; nothing runs yet. Raises StepFailedError."""
        program = shutil.which("syncthing")
        if program is None:
            message = "syncthing is not installed"
            raise StepFailedError(message)
        self._program = program
        self._homes = [place / f"syncthing-{number}" for number in range(len(folders))]
        self._ports = [(_free_port(), _free_port()) for _ in folders]
        self._running: list[subprocess.Popen[bytes]] = []
        self._environment = {"HOME": str(place), "PATH": os.environ["PATH"], "STNODEFAULTFOLDER": "1"}
        ids = [self._generate(home) for home in self._homes]
        for number, folder in enumerate(folders):
            self._configure(number, folder, ids)

    def _generate(self, home: Path) -> str:
        words = (self._program, "generate", f"--home={home}", "--no-default-folder")
        subprocess.run(words, check=True, capture_output=True, env=self._environment)
        device = ET.parse(home / "config.xml").find("device")
        assert device is not None
        return device.attrib["id"]

    def _configure(self, number: int, folder: Path, ids: Sequence[str]) -> None:
        path = self._homes[number] / "config.xml"
        tree = ET.parse(path)
        root = tree.getroot()
        options, gui, model = root.find("options"), root.find("gui"), root.find("defaults/folder")
        assert options is not None
        assert gui is not None
        assert model is not None
        for name, value in _OFF.items():
            _child(options, name).text = value
        own, port = self._ports[number]
        _child(options, "listenAddress").text = f"tcp://127.0.0.1:{own}"
        _child(gui, "address").text = f"127.0.0.1:{port}"
        for other, id_ in enumerate(ids):
            if other != number:
                device = ET.SubElement(root, "device", id=id_, name=f"device{other}", compression="metadata")
                ET.SubElement(device, "address").text = f"tcp://127.0.0.1:{self._ports[other][0]}"
        shared = ET.fromstring(ET.tostring(model))
        shared.attrib.update(id="bench", label="bench", path=str(folder))
        for device in shared.findall("device"):
            shared.remove(device)
        for id_ in ids:
            ET.SubElement(shared, "device", id=id_)
        root.append(shared)
        tree.write(path)

    @property
    def pids(self) -> list[int]:
        """Give the processes that do the work: the monitors' children too."""
        return [child for process in self._running for child in _family(process.pid)]

    def start(self) -> None:
        """Start both, and wait until they answer. Raises StepFailedError."""
        for home, (_, port) in zip(self._homes, self._ports, strict=True):
            words = (self._program, "serve", f"--home={home}", "--no-browser", "--no-restart", "--no-upgrade")
            with (home / "log").open("wb") as log:
                process = subprocess.Popen(words, stdout=log, stderr=log, env=self._environment, start_new_session=True)
            self._running.append(process)
            _wait_for(f"http://127.0.0.1:{port}/")

    def stop(self) -> None:
        """Stop both."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(_STOP_S)
        self._running.clear()


def _child(parent: ET.Element, name: str) -> ET.Element:
    found = parent.find(name)
    return ET.SubElement(parent, name) if found is None else found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    ends_s = time.monotonic() + _READY_S
    while time.monotonic() < ends_s:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return  # it answers, if only that nobody may ask
        except OSError:
            time.sleep(0.2)
    raise StepFailedError("syncthing: it does not answer")


def _family(pid: int) -> list[int]:
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += _family(int(child))
    return found
