"""What the transport does under a pace: every byte is paid for, in slices, and nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from mega_cli.api.operations import Request
from mega_cli.api.pace import SLICE_BYTES, Pace
from mega_cli.api.rates import Rates
from mega_cli.api.retry import RetryableError
from mega_cli.api.transport import HttpTransport
from mega_cli.model import MIB
from tests.kit.raw_server import RawServer, http

DATA = bytes(range(256)) * 4096
"""1 MiB."""


class Paid(Pace):
    """Notes what is paid, and waits for nothing."""

    def __init__(self, rates: Rates) -> None:
        super().__init__(lambda: rates, sleep=lambda _s: None)
        self.paid: dict[str, list[int]] = {"up": [], "down": []}

    def pay(self, way: str, size_bytes: int) -> None:
        """Note it."""
        self.paid[way].append(size_bytes)


def exchange(pace: Pace | None) -> tuple[bytes, bytes]:
    """Send 1 MiB and read 1 MiB; give what arrived on both sides."""
    with RawServer([http(DATA)]) as server:
        transport = HttpTransport(server.url, pace=pace)
        request = Request("POST", "/v1/thing", (DATA[:100], DATA[100:]), most_bytes=MIB)
        body = transport.send(request).body
        transport.close()
    return server.requests[0].partition(b"\r\n\r\n")[2], body


def test_every_byte_is_paid_for_in_slices() -> None:
    """Both ways, at most 64 KiB at once."""
    pace = Paid(Rates(up=100 * MIB, down=100 * MIB))

    assert exchange(pace) == (DATA, DATA)
    assert (sum(pace.paid["up"]), sum(pace.paid["down"])) == (MIB, MIB)
    assert max(pace.paid["up"] + pace.paid["down"]) <= SLICE_BYTES


def test_a_limit_for_one_way_leaves_the_other_alone() -> None:
    """What has no limit is moved in large pieces."""
    pace = Paid(Rates(up=None, down=100 * MIB))

    assert exchange(pace) == (DATA, DATA)
    assert pace.paid["up"] == []


@pytest.mark.parametrize("pace", [None, Paid(Rates())])
def test_without_a_limit_nothing_is_cut(pace: Pace | None) -> None:
    """The pieces are as before."""
    assert exchange(pace) == (DATA, DATA)
    assert not isinstance(pace, Paid) or pace.paid["up"] == []


class Trickle(httpx.BaseTransport, httpx.SyncByteStream):
    """Answers with one byte a second, by a clock of its own."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.now_s = 0.0

    def monotonic(self) -> float:
        """Tell the time."""
        return self.now_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Begin the answer."""
        assert request.url.path == "/v1/thing"
        return httpx.Response(200, headers={"X-Mega-Version": "1"}, stream=self)

    def __iter__(self) -> Iterator[bytes]:
        """Give a byte after a second."""
        for _ in range(self.size_bytes):
            self.now_s += 1
            yield b"x"


@pytest.mark.parametrize(("size_bytes", "arrives"), [(60, True), (62, False)])
def test_an_answer_that_trickles_has_stalled(
    size_bytes: int, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    """A byte before each timeout is no progress: less than 4 KiB in the time of one ends it."""
    wire = Trickle(size_bytes)
    monkeypatch.setattr("mega_cli.api.transport.time", wire)
    transport = HttpTransport("http://127.0.0.1:1", wire=wire)
    request = Request("GET", "/v1/thing", most_bytes=2000)

    if arrives:
        assert len(transport.send(request).body) == size_bytes
    else:
        with pytest.raises(RetryableError, match="hardly sends anything"):
            transport.send(request)
    transport.close()
