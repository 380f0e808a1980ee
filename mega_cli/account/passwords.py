"""Which new passwords are taken: judged by zxcvbn, with its own advice. A login takes what it is given."""

from __future__ import annotations

from typing import Final

from mega_cli.errors import UsageError
from mega_cli.model import Secret

PASSWORD_MOST_BYTES: Final = 1_024
LEAST_SCORE: Final = 3
"""Of 4: about 10^8 guesses or more, each of which costs three passes over 256 MiB."""
_JUDGED_CHARS: Final = 72
"""As far as zxcvbn looks."""


def check_length(password: Secret) -> None:
    """Refuse an empty password and one of more than 1,024 bytes. Raises UsageError."""
    if not 1 <= len(password.reveal()) <= PASSWORD_MOST_BYTES:
        message = f"a password is 1 to {PASSWORD_MOST_BYTES} bytes"
        raise UsageError(message)


def judge_password(password: Secret, account: str) -> None:
    """Refuse a password that is easy to guess. Raises UsageError with zxcvbn's advice, never with the password."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 -- its word lists cost 100 ms, and only a signup needs them

    check_length(password)
    text = password.reveal().decode(errors="replace")[:_JUDGED_CHARS]
    verdict = zxcvbn(text, user_inputs=[account, "mega"])
    if verdict["score"] < LEAST_SCORE:
        feedback = verdict["feedback"]
        advice = " ".join(part for part in (feedback["warning"], *feedback["suggestions"]) if part)
        message = "this password is too easy to guess"
        raise UsageError(message, advice or "use four or more uncommon words")
