"""Links: their owners' routes, and the two that visitors use."""

from __future__ import annotations

import base64
import binascii

from flask import Blueprint, Response, request

from mega_server.auth import backend, caller
from mega_server.protocol import headers, routes
from mega_server.protocol.errors import ErrorCode
from mega_server.protocol.messages import LinkList, LinkLog, LinkRequest, LinkUpdate
from mega_server.refusal import RefusedError, not_found
from mega_server.services import links, visits
from mega_server.services.rates import Action, admit
from mega_server.views.door import answer, octets, read_id_list, read_json

views = Blueprint("links", __name__)
_PROOF_BYTES = 32


@views.post(routes.LINKS)
def add() -> Response:
    """Keep a link: 201, or 200 when it was there."""
    who = caller()
    message, _ = read_json(LinkRequest)
    return octets(b"", 201 if links.add_link(backend(), who.account, message) else 200)


@views.get(routes.LINKS)
def own() -> Response:
    """List one's links."""
    return answer(LinkList(links=links.own_links(backend(), caller().account)))


@views.put(routes.LINK)
def update(link: str) -> Response:
    """Replace a link's record, expiry and limit."""
    who = caller()
    message, _ = read_json(LinkUpdate)
    links.update_link(backend(), who.account, _link_of(link), message)
    return Response(status=204)


@views.delete(routes.LINK)
def revoke(link: str) -> Response:
    """End a link."""
    links.revoke_link(backend(), caller().account, _link_of(link))
    return Response(status=204)


@views.get(routes.LINK_LOG)
def log(link: str) -> Response:
    """List when a link was opened."""
    return answer(LinkLog(openings=links.link_log(backend(), caller().account, _link_of(link))))


@views.post(routes.LINK_SESSION)
def open_link(link: str) -> Response:
    """Open a link for a visitor."""
    link_id = _link_of(link)
    admit(backend(), Action.LINK, request.remote_addr or "", link_id.hex())
    auth, token = _credentials(headers.LINK_SCHEME, 2)
    return answer(visits.open_link(backend(), link_id, auth, token))


@views.post(routes.LINK_BLOBS)
def blobs(link: str) -> Response:
    """Stream blobs to a visitor."""
    (token,) = _credentials("Bearer", 1)
    frames = visits.visitor_blobs(backend(), _link_of(link), token, read_id_list())
    response = octets(frames.pieces)
    response.content_length = frames.size_bytes
    return response


def _link_of(text: str) -> bytes:
    """Parse the link in a URL, 32 hexadecimal digits; what cannot be one is simply not found."""
    try:
        link = bytes.fromhex(text)
    except ValueError as error:
        raise not_found() from error
    if link.hex() != text or len(link) != links.LINK_BYTES:
        raise not_found()
    return link


def _credentials(scheme: str, count: int) -> list[bytes]:
    """Read what a visitor proves itself by: so many words of 32 bytes. Raises RefusedError: unauthorized."""
    told, *words = request.headers.get("Authorization", "").split(" ")
    found = [_decoded(word) for word in words]
    if told.lower() != scheme.lower() or [len(word) for word in found] != [_PROOF_BYTES] * count:
        raise RefusedError(ErrorCode.UNAUTHORIZED, "the link does not open like this")
    return found


def _decoded(word: str) -> bytes:
    try:
        return base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
