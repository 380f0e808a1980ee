"""The life of an account on this device: signup, login, logout, opening its volume. No prompt, no output."""

from mega_cli.account.access import (
    AccountSummary,
    account_fingerprint,
    account_info,
    known_account,
    logout,
    open_session,
    open_volume,
)
from mega_cli.account.login import login
from mega_cli.account.signup import PreparedSignup, complete_signup, prepare_signup

__all__ = [
    "AccountSummary",
    "PreparedSignup",
    "account_fingerprint",
    "account_info",
    "complete_signup",
    "known_account",
    "login",
    "logout",
    "open_session",
    "open_volume",
    "prepare_signup",
]
