"""The feed: what has moved in an account, now or as soon as it does."""

from __future__ import annotations

from typing import Final

import msgspec
from flask import Blueprint, Response, current_app, request

from mega_server.auth import backend, caller
from mega_server.protocol import routes
from mega_server.protocol.limits import FEED_POLL_S, FEED_WAIT_S
from mega_server.services.feed import changes_since
from mega_server.services.waits import Waits
from mega_server.views.door import answer, number

views = Blueprint("feed", __name__)
WAITS: Final = "mega_waits"
START_KEY: Final = "mega_start_key"


@views.get(routes.FEED)
def feed() -> Response:
    """Answer at once what has moved since the cursor; else as soon as something does, while there is room to wait."""
    who = caller()
    after, wait_s = request.args.get("after", ""), min(number("wait", "0"), FEED_WAIT_S)
    start_key: bytes = current_app.extensions[START_KEY]
    reply, sequence = changes_since(backend(), start_key, who.account, after)
    rest_s = 0 if wait_s else FEED_POLL_S
    if wait_s and not reply.is_reset and not reply.changes:
        rest_s = waits().wait(who, sequence, wait_s)
        caller()  # the session may have ended meanwhile
        reply, _ = changes_since(backend(), start_key, who.account, after)
    return answer(msgspec.structs.replace(reply, rest_s=rest_s))


def waits() -> Waits:
    """Give what waits in this worker."""
    found = current_app.extensions[WAITS]
    assert isinstance(found, Waits)
    return found
