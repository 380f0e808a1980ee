"""A new password: what it replaces, what is checked before, and what is said when the answer is lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mega_cli.account import change_password, open_session, passwd
from mega_cli.account.slots import UnknownOutcomeError
from mega_cli.errors import NotLoggedInError, SafetyStopError, TemporaryError, UntrustedKeyError, UsageError
from mega_cli.model import MIB, KdfPolicy, Secret
from mega_cli.state.session import save_session
from mega_cli.state.trust import TrustStore
from tests.kit.in_process import InProcessWire
from tests.unit.account.changing import NEW, SLOTS, Changing, changing, fill_disk_of_pins, lose, made, quick_wire
from tests.unit.account.conftest import PASSWORD, URL

__all__ = ["changing", "quick_wire"]
CHALLENGE = "/v1/login/challenge"


def test_the_new_password_takes_the_old_ones_place(changing: Changing) -> None:
    """One request; the old one is refused, the kit's key and this session stay."""
    change_password(changing.home, PASSWORD, NEW)

    assert [request.method for request in changing.wire.requests if request.url.path == SLOTS] == ["PUT"]
    assert (changing.opens(PASSWORD), changing.opens(NEW)) == (False, True)
    assert open_session(changing.home).account == changing.name


@pytest.mark.parametrize("keeps_sessions", [False, True])
def test_other_sessions_end_unless_they_are_kept(changing: Changing, *, keeps_sessions: bool) -> None:
    """This device's own session goes on either way."""
    changing.enter(PASSWORD)
    before = changing.devices()
    change_password(changing.home, PASSWORD, NEW, keeps_sessions=keeps_sessions)

    assert len(before) == 2
    assert changing.devices() == (before if keeps_sessions else [open_session(changing.home).session_id])


def test_a_wrong_present_password_changes_nothing(changing: Changing) -> None:
    """Exit 12; the sentence names the account key too, since the server cannot tell the two apart."""
    with pytest.raises(NotLoggedInError) as caught:
        change_password(changing.home, Secret(b"wrong"), NEW)
    assert "present password is wrong" in caught.value.message
    assert "mega login --account-key-file FILE" in caught.value.hint
    assert changing.opens(PASSWORD)


@pytest.mark.parametrize("new", [PASSWORD, Secret(b"password1")])
def test_the_same_or_a_weak_password_is_refused_before_anything_is_sent(changing: Changing, new: Secret) -> None:
    """Exit 2."""
    with pytest.raises(UsageError):
        change_password(changing.home, PASSWORD, new)
    assert changing.wire.requests == []


def test_a_session_with_other_keys_seals_no_slot(changing: Changing) -> None:
    """A slot with the wrong master key would lock its owner out: nothing is sent."""
    session = replace(open_session(changing.home), master_key=Secret(b"x" * 32))
    save_session(changing.home.session_file, session)
    with pytest.raises(UntrustedKeyError):
        change_password(changing.home, PASSWORD, NEW)
    assert changing.wire.requests == []


def test_stronger_parameters_become_the_floor(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the new slot was sealed with is the least that this device accepts from then on."""
    stronger = KdfPolicy(4, 64 * MIB)
    monkeypatch.setattr(passwd, "DEFAULT_POLICY", stronger)
    change_password(changing.home, PASSWORD, NEW)

    trust = TrustStore(changing.home.trust_file)
    pinned = trust.account_pin(URL, changing.name)
    trust.close()
    assert pinned is not None
    assert pinned.policy == stronger
    assert changing.opens(NEW)


def test_a_disk_that_fails_afterwards_says_that_the_new_one_holds(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To run the same command again, with the old password, would be refused."""
    with monkeypatch.context() as patch:
        fill_disk_of_pins(patch)
        with pytest.raises(SafetyStopError) as caught:
            change_password(changing.home, PASSWORD, NEW)

    assert caught.value.hint.startswith("the new password holds")
    assert changing.opens(NEW)


@pytest.mark.parametrize("is_done", [False, True])
def test_a_lost_answer_is_asked_for_again(
    changing: Changing, monkeypatch: pytest.MonkeyPatch, *, is_done: bool
) -> None:
    """The same request again is a success, whether or not the first was acted on."""
    lose(monkeypatch, changing.wire, SLOTS, times=1, is_done=is_done)
    change_password(changing.home, PASSWORD, NEW)

    assert changing.opens(NEW)


def test_a_wrong_present_password_is_no_doubt_after_a_lost_answer(
    changing: Changing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the present key nor the new one signs, so nothing was changed."""
    lose(monkeypatch, changing.wire, SLOTS, times=1, is_done=False)
    with pytest.raises(NotLoggedInError) as caught:
        change_password(changing.home, Secret(b"wrong"), NEW)
    assert "present password is wrong" in caught.value.message


@pytest.mark.parametrize(("is_done", "right"), [(False, PASSWORD), (True, NEW)])
def test_answers_that_stay_lost_leave_a_doubt_and_say_so(
    changing: Changing, monkeypatch: pytest.MonkeyPatch, *, is_done: bool, right: Secret
) -> None:
    """Either password may be the right one, and the hint tells how to find out."""
    with monkeypatch.context() as patch:
        lose(patch, changing.wire, SLOTS, times=100, is_done=is_done)
        with pytest.raises(UnknownOutcomeError) as caught:
            change_password(changing.home, PASSWORD, NEW)
    assert "either password" in caught.value.message
    assert f"mega login {changing.name} --server {URL}" in caught.value.hint
    assert changing.opens(right)


def test_without_a_challenge_there_is_no_doubt(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was asked for, so the old password is the right one, and nobody is sent to find out."""
    lose(monkeypatch, changing.wire, CHALLENGE, times=100, is_done=False)
    with pytest.raises(TemporaryError) as caught:
        change_password(changing.home, PASSWORD, NEW)
    assert not isinstance(caught.value, UnknownOutcomeError)


def test_the_account_key_goes_on_being_needed(quick_wire: InProcessWire, tmp_path: Path) -> None:
    """A new password with the same key: a fresh device needs both."""
    keyed = made(quick_wire, tmp_path, has_account_key=True)
    change_password(keyed.home, PASSWORD, NEW)

    assert not keyed.opens(NEW)
    assert keyed.enter(NEW, "with-key", keyed.kit.account_key).account == keyed.name
    assert keyed.enter(NEW, "with-key").account == keyed.name, "the device keeps the key that worked"
