"""What is noted of every request, for the log and for `GET /metrics`, and who may read it.

A request counts when its answer has been sent, streamed ones included. Metrics are for the same machine: whoever asks
over a network or through a proxy is told that there is nothing, unless he shows the token of `--metrics-token-file`.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import time

from flask import Blueprint, Flask, Response, current_app, g, request

from mega_server.auth import backend
from mega_server.logs import FIELDS, LOGGER
from mega_server.metrics import Counter, SharedCounts
from mega_server.protocol import routes
from mega_server.refusal import not_found
from mega_server.services.stats import database_bytes

views = Blueprint("metrics", __name__)
_COUNTER = "mega_counter"
_TOKEN = "mega_metrics_token"  # noqa: S105 -- the name under which it is kept
_IS_LOGGED = "mega_is_logged"
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_PATH_MOST = 300
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def watch(app: Flask, shared: SharedCounts | None = None, *, token: bytes = b"", is_logged: bool = False) -> None:
    """Note every request of an application whose routes are all registered; with `is_logged`, a log line each."""
    known = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    app.extensions[_COUNTER] = Counter(shared or SharedCounts(1), sorted(known))
    app.extensions[_TOKEN] = token
    app.extensions[_IS_LOGGED] = is_logged
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_note)


@views.get(routes.METRICS)
def metrics() -> Response:
    """Answer the counts of all workers, and how much room there is."""
    if not (_is_local() or _has_token()):
        raise not_found()
    place = backend()
    gauges = {"database_bytes": database_bytes(place), "disk_free_bytes": place.store.free_bytes()}
    return Response(_counter().text(gauges), content_type=_CONTENT_TYPE, headers={"Cache-Control": "no-store"})


def _begin() -> None:
    g.started_s = time.perf_counter()
    _counter().begin()


def _note(response: Response) -> Response:
    """Note a request now, or once its answer has been streamed."""
    started_s = g.started_s
    route = (request.url_rule.rule if request.url_rule else "other", request.method)
    received_bytes, sent_bytes = request.content_length or 0, response.content_length or 0
    counter, is_logged = _counter(), current_app.extensions[_IS_LOGGED]
    status = response.status_code
    line = {
        "method": request.method,
        "path": request.path[:_PATH_MOST],
        "status": status,
        "received_bytes": request.content_length,
        "sent_bytes": response.content_length,
        "from": request.remote_addr,
    }

    def finish() -> None:
        took_s = time.perf_counter() - started_s
        counter.end(route, status, took_s, received_bytes, sent_bytes)
        if is_logged:
            fields = line | {"took_ms": round(took_s * 1_000, 1)}
            logging.getLogger(LOGGER).info("request", extra={FIELDS: fields})

    if response.is_streamed:
        response.call_on_close(finish)
    else:
        finish()
    return response


def _is_local() -> bool:
    """Say whether this machine asks, and no proxy on it for somebody else."""
    try:
        is_near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
    return is_near and not any(name in request.headers for name in _FORWARDED)


def _has_token() -> bool:
    token: bytes = current_app.extensions[_TOKEN]
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token)


def _counter() -> Counter:
    return counter_of(current_app)


def counter_of(app: Flask) -> Counter:
    """Give what a watched application counts in."""
    found = app.extensions[_COUNTER]
    assert isinstance(found, Counter)
    return found
