"""The real server in this process, reached by the real client through WSGI: no socket, no thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from flask import Flask

from mega_cli.api.client import ServerClient
from mega_cli.api.pace import Pace
from mega_cli.api.transport import HttpTransport
from mega_cli.model import Network, Secret
from tests.kit.wire import patient

Twist = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class InProcessWire(httpx.BaseTransport):
    """Carries requests into an application, notes them, and lets a test lie in JSON answers, path by path."""

    app: Flask
    lies: dict[str, Twist] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass the request on."""
        self.requests.append(request)
        answer = httpx.WSGITransport(self.app).handle_request(request)
        body = answer.read()
        twist = self.lies.get(request.url.path)
        if twist is not None and answer.is_success:
            body = msgspec.json.encode(twist(msgspec.json.decode(body)))
        fields = [(name, value) for name, value in answer.headers.raw if name.lower() != b"content-length"]
        return httpx.Response(answer.status_code, headers=fields, stream=httpx.ByteStream(body))

    @property
    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [request.url.path for request in self.requests]

    def connect(
        self,
        server_url: str,
        network: Network | None = None,
        *,
        token: Secret | None = None,
        on_wait: Callable[[str], None] = lambda _reason: None,
        pace: Pace | None = None,
    ) -> ServerClient:
        """Stand in for `mega_cli.account.connection.connect`."""
        transport = HttpTransport(server_url, network, wire=self, pace=pace)
        return ServerClient(transport, token, retry=patient(on_wait))
