"""`mega passwd`: change the password."""

from __future__ import annotations

import click

from mega_cli.account import change_password, open_session
from mega_cli.options.command import declare
from mega_cli.options.password import PasswordSource, new_password_options, password_options
from mega_cli.output.console import Console
from mega_cli.output.progress import spoken_waits
from mega_cli.system.directories import open_home


@declare(
    "passwd",
    examples=(
        "mega passwd",
        "mega passwd --keep-sessions",
        "mega passwd --password-command 'pass show mega' --new-password-file new.txt",
    ),
)
@click.option("--keep-sessions", "keeps_sessions", is_flag=True, help="Leave the other devices signed in.")
@password_options
@new_password_options
def command(console: Console, password: PasswordSource, new_password: PasswordSource, *, keeps_sessions: bool) -> None:
    """Change the password.

    Asks for the present one and for the new one, twice. Every other device is signed out unless told otherwise; the
    recovery kit and the files stay as they are. Somebody who kept a copy of the old slot and learns the old password
    can still read what it opens: choose a new password before the old one is known, not after.
    """
    home = open_home()
    session = open_session(home)
    present = password.ask(f"Present password of {session.account}")
    new = new_password.ask(f"New password for {session.account}", is_new=True)
    console.when_interrupted = (
        "the password may have been changed or not: try mega login with the new one, then the old"
    )
    change_password(home, present, new, keeps_sessions=keeps_sessions, on_wait=spoken_waits(console).waiting)
    if console.is_json:
        console.document({"account": session.account, "ended_other_sessions": not keeps_sessions})
    others = "stay signed in" if keeps_sessions else "are signed out"
    console.note(f"mega: the password of {session.account} is changed; its other devices {others}")
