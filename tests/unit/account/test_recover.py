"""Recovery: both secrets change together, other keys are refused, and no kit is lost on the way."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from mega_cli.account import change_password, complete_recovery, open_recovery, open_session, place_of
from mega_cli.account.slots import UnknownOutcomeError
from mega_cli.crypto.passwords import login_keys_from_recovery
from mega_cli.errors import MegaError, NotLoggedInError, SafetyStopError, UntrustedKeyError, UsageError
from mega_cli.formats.recovery_kit import Kit, read_kit
from mega_cli.formats.slot import seal_recovery_slot
from mega_cli.model import Secret
from mega_cli.state.account_key import load_account_key
from mega_cli.system.directories import Home
from tests.kit.in_process import InProcessWire
from tests.unit.account.changing import NEW, SLOTS, Changing, changing, fill_disk_of_pins, lose, made, quick_wire
from tests.unit.account.conftest import PASSWORD, URL, Kept

__all__ = ["changing", "quick_wire"]
LOGIN = "/v1/login"


def come_back(world: Changing, home: Home, kit: Kit, keeper: Kept, password: Secret = NEW) -> None:
    """Recover."""
    with open_recovery(home, place_of(world.name, URL), kit) as opened:
        complete_recovery(home, opened, password, keeper)


def test_a_kit_opens_the_account_once(changing: Changing) -> None:
    """New password and new kit work, the old ones and all other sessions do not."""
    keeper, fresh = Kept(), changing.fresh("fresh")
    come_back(changing, fresh, changing.kit, keeper)

    session = open_session(changing.fresh("fresh"))
    assert session.master_key == open_session(changing.home).master_key
    assert (changing.opens(PASSWORD), changing.opens(NEW)) == (False, True)
    with pytest.raises(NotLoggedInError):
        changing.devices()
    with pytest.raises(NotLoggedInError) as caught:
        come_back(changing, fresh, changing.kit, Kept())
    assert "recovery secret" in caught.value.message
    come_back(changing, fresh, read_kit(keeper.kit_text), Kept(), PASSWORD)
    assert changing.opens(PASSWORD)


def test_the_bare_secret_is_enough(changing: Changing) -> None:
    """Paper may have kept nothing else; the new kit is whole again."""
    keeper = Kept()
    come_back(changing, changing.fresh("fresh"), Kit(changing.kit.recovery_secret), keeper)

    assert read_kit(keeper.kit_text).fingerprint_words == changing.kit.fingerprint_words


def test_a_weak_password_ends_the_session_that_was_begun(changing: Changing) -> None:
    """Nothing is changed, no kit is made, and the server keeps no session of it."""
    keeper, before = Kept(), changing.devices()
    with pytest.raises(UsageError):
        come_back(changing, changing.fresh("fresh"), changing.kit, keeper, Secret(b"password1"))

    assert keeper.kit_text == ""
    assert changing.devices() == before


def test_a_kit_of_another_account_is_refused_before_anything_is_sent(changing: Changing) -> None:
    """The hint is the command for the account that it is of."""
    kit = replace(changing.kit, account="somebody")
    with pytest.raises(UsageError, match="kit of somebody"):
        come_back(changing, changing.fresh("fresh"), kit, Kept())
    assert changing.wire.requests == []


@pytest.mark.attack("T06")
def test_a_known_device_refuses_other_keys(changing: Changing) -> None:
    """Even a bare secret, which says nothing of the fingerprint, meets the pins."""
    wrap_key = login_keys_from_recovery(changing.kit.recovery_secret).wrap_key
    slot = seal_recovery_slot(wrap_key, changing.name, URL, Secret(b"x" * 32), 1, 1)
    changing.wire.lies[LOGIN] = lambda told: told | {"slot": base64.b64encode(slot).decode()}
    with pytest.raises(UntrustedKeyError):
        come_back(changing, changing.home, Kit(changing.kit.recovery_secret), Kept())
    changing.wire.lies.clear()

    assert changing.wire.paths[-1] == LOGIN


def test_a_refusal_takes_the_new_kit_away(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be the kit of nothing; the old one goes on."""
    keeper, honest = Kept(), changing.wire.handle_request

    def refuse(request: httpx.Request) -> httpx.Response:
        if request.url.path == SLOTS:
            body = b'{"error": {"code": "bad_request", "message": "no"}}'
            return httpx.Response(400, headers={"X-Mega-Version": "1"}, stream=httpx.ByteStream(body))
        return honest(request)

    with monkeypatch.context() as patch:
        patch.setattr(changing.wire, "handle_request", refuse)
        with pytest.raises(MegaError):
            come_back(changing, changing.fresh("fresh"), changing.kit, keeper)
    assert keeper.forgotten
    come_back(changing, changing.fresh("fresh"), changing.kit, Kept())


@pytest.mark.parametrize("is_done", [False, True])
def test_a_doubt_keeps_both_kits(changing: Changing, monkeypatch: pytest.MonkeyPatch, *, is_done: bool) -> None:
    """One of them opens the account, and the sentence says to keep both."""
    keeper = Kept()
    with monkeypatch.context() as patch:
        lose(patch, changing.wire, SLOTS, times=100, is_done=is_done)
        with pytest.raises(UnknownOutcomeError) as caught:
            come_back(changing, changing.fresh("fresh"), changing.kit, keeper)
    assert "keep both kits" in caught.value.message
    assert not keeper.forgotten
    right = read_kit(keeper.kit_text) if is_done else changing.kit
    come_back(changing, changing.fresh("fresh"), right, Kept())


def test_a_proxys_page_leaves_a_doubt(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server did it, and a proxy refused in its place: the new kit is the right one, so it must stay."""
    keeper, honest = Kept(), changing.wire.handle_request

    def hide(request: httpx.Request) -> httpx.Response:
        answer = honest(request)
        return httpx.Response(403, stream=httpx.ByteStream(b"blocked")) if request.url.path == SLOTS else answer

    with monkeypatch.context() as patch:
        patch.setattr(changing.wire, "handle_request", hide)
        with pytest.raises(UnknownOutcomeError):
            come_back(changing, changing.fresh("fresh"), changing.kit, keeper)
    assert not keeper.forgotten
    come_back(changing, changing.fresh("fresh"), read_kit(keeper.kit_text), Kept())


def test_a_lost_answer_is_asked_for_again(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server did it; the same request again is a success."""
    lose(monkeypatch, changing.wire, SLOTS, times=1, is_done=True)
    come_back(changing, changing.fresh("fresh"), changing.kit, Kept())

    assert changing.opens(NEW)


def test_a_disk_that_fails_afterwards_says_that_both_hold(changing: Changing, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server has changed everything; the hint signs in with what holds."""
    keeper = Kept()
    with monkeypatch.context() as patch:
        fill_disk_of_pins(patch)
        with pytest.raises(SafetyStopError) as caught:
            come_back(changing, changing.fresh("fresh"), changing.kit, keeper)

    assert caught.value.hint.endswith(f"go on with: mega login {changing.name} --server {URL}")
    assert (keeper.forgotten, changing.opens(NEW)) == (False, True)


def test_the_kits_account_key_is_kept(quick_wire: InProcessWire, tmp_path: Path) -> None:
    """The new password needs it, the new kit shows it, this device keeps it, also when the password changes again."""
    keyed, keeper = made(quick_wire, tmp_path, has_account_key=True), Kept()
    fresh = keyed.fresh("fresh")
    come_back(keyed, fresh, keyed.kit, keeper)

    home = keyed.fresh("fresh")
    assert read_kit(keeper.kit_text).account_key == keyed.kit.account_key == load_account_key(home.account_key_file)
    assert not keyed.opens(NEW)
    change_password(home, NEW, PASSWORD)
    assert keyed.enter(PASSWORD, "again", keyed.kit.account_key).account == keyed.name


def test_the_bare_secret_makes_the_account_key_void(quick_wire: InProcessWire, tmp_path: Path) -> None:
    """A password then stands alone; a device that still keeps the key is told which file to remove."""
    keyed = made(quick_wire, tmp_path, has_account_key=True)
    come_back(keyed, keyed.fresh("fresh"), Kit(keyed.kit.recovery_secret), Kept())

    assert keyed.opens(NEW)
    with pytest.raises(NotLoggedInError) as caught:
        keyed.enter(NEW, "device")
    assert f"rm {keyed.home.account_key_file}" in caught.value.hint
    keyed.home.account_key_file.unlink()
    assert keyed.enter(NEW, "device").account == keyed.name
