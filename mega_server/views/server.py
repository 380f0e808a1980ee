"""`GET /v1/server` and `GET /healthz`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from flask import Blueprint, Response
from sqlalchemy.exc import OperationalError

from mega_server.auth import backend
from mega_server.protocol import limits, routes
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.messages import Limits, ServerInfo
from mega_server.refusal import RefusedError
from mega_server.services.checks import check_alive
from mega_server.views.door import answer

views = Blueprint("server", __name__)


def _software() -> str:
    try:
        return f"mega-server/{version('mega-cli')}"
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "mega-server"


_SOFTWARE = _software()


@views.get(routes.SERVER)
def server_info() -> Response:
    """Say what this server is and takes."""
    place = backend()
    return answer(
        ServerInfo(
            version=limits.PROTOCOL_MAJOR,
            software=_SOFTWARE,
            origin=place.config.origin,
            signup=place.config.signup,
            clock_ms=place.clock(),
            storage=place.config.storage,
            contact=place.config.contact,
            limits=Limits(
                pack_bytes=limits.PACK_BYTES,
                pack_blobs=limits.PACK_BLOBS,
                ids_per_request=limits.IDS_PER_REQUEST,
                needs_per_commit=limits.NEEDS_PER_COMMIT,
                blobs_reply_bytes=limits.BLOBS_REPLY_BYTES,
            ),
        )
    )


@views.get(routes.HEALTH)
def health() -> Response:
    """Answer "ok" after a real look at database and store."""
    try:
        check_alive(backend())
    except (OSError, OperationalError) as error:
        raise RefusedError(ErrorCode.UNAVAILABLE, "the database or the store does not work") from error
    return Response("ok\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
