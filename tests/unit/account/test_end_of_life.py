"""Sessions that are listed and ended, an account that is deleted, and the profiles of a device."""

from __future__ import annotations

import shutil

import pytest

from mega_cli.account import (
    check_deletion,
    delete_account,
    end_other_sessions,
    end_sessions,
    list_profiles,
    list_sessions,
    open_session,
)
from mega_cli.account.pace import limit_path
from mega_cli.errors import IntegrityError, NotLoggedInError, TemporaryError, UsageError
from mega_cli.model import Secret
from mega_cli.state.limit_file import write_limit
from mega_cli.system.directories import open_home
from tests.unit.account.changing import ME, Changing, changing, lose, quick_wire
from tests.unit.account.conftest import PASSWORD

__all__ = ["changing", "quick_wire"]


def test_sessions_are_listed_with_ones_own_marked(changing: Changing) -> None:
    """Two devices, one of them this."""
    changing.enter(PASSWORD)
    current = [session.session_id for session in list_sessions(changing.home) if session.is_current]

    assert current == [open_session(changing.home).session_id]
    assert len(changing.devices()) == 2


def test_sessions_are_ended_by_id(changing: Changing) -> None:
    """The one that there is ends, the one that there is not is told."""
    other = changing.enter(PASSWORD)

    assert end_sessions(changing.home, [other.session_id, "unknown", "unknown"]) == ["unknown"]
    assert changing.devices() == [open_session(changing.home).session_id]


def test_all_others_are_ended_at_once(changing: Changing) -> None:
    """And given back, to be named."""
    others = {changing.enter(PASSWORD, name).session_id for name in ("one", "two")}

    assert {session.session_id for session in end_other_sessions(changing.home)} == others
    assert changing.devices() == [open_session(changing.home).session_id]


def test_an_id_that_could_be_a_path_is_refused(changing: Changing) -> None:
    """Typed: exit 2 and nothing is sent; shown by a server: exit 14."""
    with pytest.raises(UsageError):
        end_sessions(changing.home, ["../../accounts/me"])
    assert changing.wire.requests == []

    changing.wire.lies["/v1/sessions"] = lambda told: {
        "sessions": [session | {"session_id": "../me"} for session in told["sessions"]]
    }
    with pytest.raises(IntegrityError):
        end_other_sessions(changing.home)
    changing.wire.lies.clear()


def test_a_deleted_account_leaves_its_pins(changing: Changing) -> None:
    """Session, account key, limit, index and caches are gone; the server knows nobody of that name."""
    changing.home.index_file.write_bytes(b"keys")
    changing.home.posted_file.write_bytes(b"links")
    write_limit(limit_path(changing.home), "1M")
    changing.home.pages_file.parent.mkdir(parents=True)
    changing.home.pages_file.write_bytes(b"pages")
    delete_account(changing.home, changing.name, PASSWORD)

    assert [file.name for file in changing.home.folder.iterdir()] == ["trust.db"]
    assert not changing.home.pages_file.exists()
    assert not changing.opens(PASSWORD)


def test_a_wrong_password_deletes_nothing(changing: Changing) -> None:
    """Exit 12; here and there everything stays."""
    with pytest.raises(NotLoggedInError) as caught:
        delete_account(changing.home, changing.name, Secret(b"wrong"))
    assert "nothing was deleted" in caught.value.message
    assert changing.opens(PASSWORD)


def test_another_account_than_the_one_signed_in_is_refused(changing: Changing) -> None:
    """Exit 2, before any password is asked for."""
    with pytest.raises(UsageError, match="not as somebody"):
        check_deletion(changing.home, "somebody")


def test_a_lost_answer_and_then_a_refusal_means_deleted(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server did it, and does not know the session any more."""
    lose(monkeypatch, changing.wire, ME, times=1, is_done=True)
    delete_account(changing.home, changing.name, PASSWORD)

    assert not changing.home.session_file.exists()


def test_a_wrong_password_deletes_nothing_after_a_lost_answer(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal means that the account is gone only if the session is gone with it."""
    lose(monkeypatch, changing.wire, ME, times=1, is_done=False)
    with pytest.raises(NotLoggedInError) as caught:
        delete_account(changing.home, changing.name, Secret(b"wrong"))

    assert "nothing was deleted" in caught.value.message
    assert open_session(changing.home).account == changing.name
    assert changing.opens(PASSWORD)


def test_answers_that_stay_lost_keep_everything_here(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be run again."""
    lose(monkeypatch, changing.wire, ME, times=100, is_done=False)
    with pytest.raises(TemporaryError) as caught:
        delete_account(changing.home, changing.name, PASSWORD)
    assert f"mega delete-account {changing.name}" in caught.value.hint
    assert open_session(changing.home).account == changing.name


def test_profiles_are_listed(changing: Changing) -> None:
    """Each account that ever logged in here, and whether it is signed in; other folders are none."""
    profile = changing.home.profile
    other = f"bob@{profile.rpartition('@')[2]}"
    shutil.copytree(changing.home.folder, changing.home.with_profile(other).folder)
    changing.home.with_profile(other).session_file.unlink()
    changing.home.with_profile("stray").folder.mkdir()

    home = open_home({"MEGA_HOME": str(changing.home.directories.data)})
    assert [(found.name, found.is_signed_in, found.is_current) for found in list_profiles(home)] == [
        (other, False, False),
        (profile, True, True),
    ]


def test_looking_at_profiles_makes_no_pins(changing: Changing) -> None:
    """A lost file of pins stays lost, for `doctor` to find."""
    changing.home.trust_file.unlink()

    assert list_profiles(changing.home) == []
    assert not changing.home.trust_file.exists()
