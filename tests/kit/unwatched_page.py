"""A page that Playwright does not watch: the inspector keeps answers in the renderer, and would be measured too.

It speaks the DevTools protocol of the same browser, and asks for nothing but the value of expressions.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

_EACH_S: Final = 0.2


class UnwatchedPage:
    """One page in a context of its own, whose downloads go to a folder under their own names."""

    def __init__(self, browser: Browser, url: str, downloads: Path) -> None:
        """Open it."""
        downloads.mkdir()
        self._downloads = downloads
        self._session = browser.new_browser_cdp_session()
        self._session.on("Target.receivedMessageFromTarget", self._heard)
        self._answers: dict[int, Any] = {}
        self._asked = 0
        self._context = self._send("Target.createBrowserContext")["browserContextId"]
        within = {"browserContextId": self._context}
        self._send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads), **within)
        target = self._send("Target.createTarget", url=url, **within)["targetId"]
        self._id = self._send("Target.attachToTarget", targetId=target, flatten=False)["sessionId"]

    @property
    def browser_pid(self) -> int:
        """The browser's main process."""
        processes = self._send("SystemInfo.getProcessInfo")["processInfo"]
        return next(int(process["id"]) for process in processes if process["type"] == "browser")

    def value(self, expression: str) -> Any:
        """Evaluate an expression; None when it raises."""
        self._asked += 1
        asked = {"id": self._asked, "method": "Runtime.evaluate", "params": {"expression": expression}}
        self._send("Target.sendMessageToTarget", sessionId=self._id, message=json.dumps(asked))
        while self._asked not in self._answers:
            self._send("Browser.getVersion")  # events are heard while a call is under way
        return self._answers.pop(self._asked)["result"]["result"].get("value")

    def wait_for(self, expression: str, *, tries: int = 100) -> None:
        """Ask five times a second until an expression is true."""
        for _ in range(tries):
            if self.value(expression) is True:
                return
            time.sleep(_EACH_S)
        raise AssertionError(f"never true: {expression}")

    def saved(self, name: str) -> Path:
        """Wait until a download has its final name."""
        for _ in range(100):
            if (self._downloads / name).exists():
                return self._downloads / name
            time.sleep(_EACH_S)
        raise AssertionError(f"not saved: {name}, but {[path.name for path in self._downloads.iterdir()]}")

    def close(self) -> None:
        """Close page and context."""
        self._send("Target.disposeBrowserContext", browserContextId=self._context)
        self._session.detach()

    def _send(self, method: str, **parameters: object) -> Any:
        return self._session.send(method, parameters)

    def _heard(self, event: dict[str, Any]) -> None:
        told = json.loads(event["message"])
        self._answers[told.get("id", 0)] = told
