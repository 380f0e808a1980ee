"""The signed-in devices of an account: list their sessions, and end them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from mega_cli.account import connection
from mega_cli.account.access import open_session
from mega_cli.account.login import SESSION_ID
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import SessionInfo
from mega_cli.errors import IntegrityError, MissingItemError, UsageError
from mega_cli.system.directories import Home
from mega_cli.volume.progress import Progress, SilentProgress


def list_sessions(home: Home, progress: Progress | None = None) -> list[SessionInfo]:
    """List the sessions, newest use first, as the server tells them. Raises IntegrityError for ids that are none."""
    with closing(_client(home, progress)) as client:
        return _listed(client)


def end_sessions(home: Home, session_ids: Iterable[str], progress: Progress | None = None) -> list[str]:
    """End these sessions and give the ids that there were not. Raises UsageError before anything is ended."""
    ids = list(dict.fromkeys(session_ids))
    strange = next((id_ for id_ in ids if not SESSION_ID.fullmatch(id_)), None)
    if strange is not None:
        message = f"not the id of a session: {strange!r}"
        raise UsageError(message, "mega sessions")
    with closing(_client(home, progress)) as client:
        return [id_ for id_ in ids if not _end(client, id_)]


def end_other_sessions(home: Home, progress: Progress | None = None) -> list[SessionInfo]:
    """End every session but this device's own, and give those that were ended."""
    with closing(_client(home, progress)) as client:
        return [session for session in _listed(client) if not session.is_current and _end(client, session.session_id)]


def _listed(client: ServerClient) -> list[SessionInfo]:
    sessions = client.sessions()
    if not all(SESSION_ID.fullmatch(session.session_id) for session in sessions):
        raise IntegrityError
    return sessions


def _end(client: ServerClient, session_id: str) -> bool:
    try:
        client.end_session(session_id)
    except MissingItemError:
        return False
    return True


def _client(home: Home, progress: Progress | None) -> ServerClient:
    return connection.connect_session(open_session(home), on_wait=(progress or SilentProgress()).waiting)
