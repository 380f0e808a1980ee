"""The life of an account on this device, from signup to its deletion, and opening its volume. No prompt, no output.

`mega_cli.account.doctor` is imported by the one command that needs it: 7 of 100 ms of every other start.
"""

from mega_cli.account.access import (
    AccountSummary,
    account_fingerprint,
    account_info,
    known_place,
    logout,
    open_session,
    open_volume,
)
from mega_cli.account.connection import place_of
from mega_cli.account.deletion import check_deletion, delete_account
from mega_cli.account.devices import end_other_sessions, end_sessions, list_sessions
from mega_cli.account.login import login, login_at
from mega_cli.account.passwd import change_password
from mega_cli.account.pins import Shown, TrustView, accept_head, shown_head, trust_view
from mega_cli.account.profiles import Profile, list_profiles
from mega_cli.account.recover import complete_recovery, open_recovery
from mega_cli.account.signup import PreparedSignup, complete_signup, prepare_signup

__all__ = [
    "AccountSummary",
    "PreparedSignup",
    "Profile",
    "Shown",
    "TrustView",
    "accept_head",
    "account_fingerprint",
    "account_info",
    "change_password",
    "check_deletion",
    "complete_recovery",
    "complete_signup",
    "delete_account",
    "end_other_sessions",
    "end_sessions",
    "known_place",
    "list_profiles",
    "list_sessions",
    "login",
    "login_at",
    "logout",
    "open_recovery",
    "open_session",
    "open_volume",
    "place_of",
    "prepare_signup",
    "shown_head",
    "trust_view",
]
