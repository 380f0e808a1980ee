"""The page of a link: static files, the same for everyone, with headers that let nothing foreign in.

The server learns a link's id from the path and nothing of what follows `#`. The page and HEAD never count as openings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, request

from mega_server.protocol import routes
from mega_server.refusal import not_found

views = Blueprint("web", __name__)

_FOLDER: Final = Path(__file__).parent.parent / "web"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' data:; style-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'"
)
_FILES: Final = {
    path.relative_to(_FOLDER / "app").as_posix(): path
    for path in (_FOLDER / "app").rglob("*")
    if path.suffix in _TYPES and path.is_file()
}
"""What may be asked for, by name: no path is ever built from a request."""


@views.get(routes.LINK_PAGE)
def page(link: str) -> Response:  # noqa: ARG001 -- the page reads it from its own address
    """Answer the page; it asks for the link itself."""
    return _file(_FOLDER / "index.html")


@views.get(routes.PAGE_FILE)
def page_file(name: str) -> Response:
    """Answer a script or style of the page."""
    if name not in _FILES:
        raise not_found()
    response = _file(_FILES[name])
    if name == "sw.js":
        response.headers["Service-Worker-Allowed"] = "/s/"
    return response


def _file(path: Path) -> Response:
    """Answer a file that a browser keeps, and asks each time whether it is still the same."""
    response = Response(path.read_bytes(), content_type=_TYPES[path.suffix])
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    if request.is_secure:  # elsewhere browsers ignore it, and complain
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
