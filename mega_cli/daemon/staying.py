"""Stay after `mega quickstart`: keep its server, and be the daemon of its account, until Ctrl-C.

It is the same daemon as `mega daemon run` is, with the same log; where one runs already, that one does the work.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from mega_cli.daemon.embedded_server import EmbeddedServer
from mega_cli.daemon.presence import is_running
from mega_cli.daemon.process import Daemon, log_thread_failures
from mega_cli.daemon.supervisor import Supervisor
from mega_cli.system.daemon_log import start_daemon_log
from mega_cli.system.directories import Home


def stay(server: EmbeddedServer, home: Home, announce: Callable[[], None], log_level: str = "") -> None:
    """Stay until Ctrl-C, SIGTERM or `mega daemon stop`. Raises MegaError when the server ends by itself."""
    if is_running(home):
        server.stay(announce)
        return
    has_ended = threading.Event()

    def leave(code: int) -> None:
        server.stop()
        os._exit(code)

    daemon = Daemon(home, Supervisor(home), leave)

    def watch() -> None:
        server.wait()
        has_ended.set()
        daemon.stop("its server has ended")

    def begin() -> None:
        start_daemon_log(home.daemon_log_file, log_level)
        log_thread_failures()

    def ready() -> None:
        announce()
        threading.Thread(target=watch, name="server", daemon=True).start()

    daemon.run(begin, ready)
    if has_ended.is_set():
        raise server.ended_by_itself()
