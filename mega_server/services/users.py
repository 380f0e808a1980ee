"""What an administrator may do with accounts: list, disable, give room, remove. It opens nothing that they store."""

from __future__ import annotations

from dataclasses import dataclass

from mega_server.database import accounts, sessions
from mega_server.protocol.errors import ErrorCode
from mega_server.refusal import RefusedError
from mega_server.services.backend import Backend
from mega_server.services.deletion import drop_account, remove_doomed
from mega_server.services.logins import SESSION_IDLE_MS


@dataclass(frozen=True, slots=True)
class User:
    """One account as its administrator sees it; times are milliseconds since 1970 UTC."""

    account: str
    created_ms: int
    quota_bytes: int
    used_bytes: int
    sessions: int
    last_used_ms: int | None
    """When one of its sessions was last used, to the hour; None when it has none."""
    is_disabled: bool


def users(backend: Backend) -> list[User]:
    """List the accounts by name."""
    with backend.database.reading() as connection:
        counted = sessions.session_counts(connection, backend.clock() - SESSION_IDLE_MS)
        rows = accounts.account_rows(connection)
    return [
        User(
            account=row.account,
            created_ms=row.created,
            quota_bytes=row.quota_bytes,
            used_bytes=row.used_bytes,
            sessions=count,
            last_used_ms=last_used,
            is_disabled=row.disabled is not None,
        )
        for row in rows
        for count, last_used in [counted.get(row.account, (0, None))]
    ]


def set_disabled(backend: Backend, account: str, *, is_disabled: bool) -> None:
    """Refuse every request of this account, or no longer; what it stores stays. Raises RefusedError: not_found."""
    _set(backend, account, {"disabled": backend.clock() if is_disabled else None})


def set_quota(backend: Backend, account: str, quota_bytes: int) -> None:
    """Say how much an account may store; what it stores beyond stays. Raises RefusedError: not_found."""
    _set(backend, account, {"quota_bytes": quota_bytes})


def remove_user(backend: Backend, account: str) -> None:
    """Delete an account and everything of it. Raises RefusedError: not_found, OSError when a pack stays behind."""
    with backend.database.writing() as connection:
        if accounts.account_row(connection, account) is None:
            raise _unknown(account)
        drop_account(connection, account)
    remove_doomed(backend)


def _set(backend: Backend, account: str, values: dict[str, object]) -> None:
    with backend.database.writing() as connection:
        if not accounts.set_account(connection, account, values):
            raise _unknown(account)


def _unknown(account: str) -> RefusedError:
    return RefusedError(ErrorCode.NOT_FOUND, f"there is no account named {account!r}")
