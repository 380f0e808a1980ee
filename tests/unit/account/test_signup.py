"""Signup: what is kept before it is posted, what is sent, and what stays when it fails."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from mega_cli.account import (
    PreparedSignup,
    account_info,
    complete_signup,
    connection,
    open_session,
    open_volume,
    prepare_signup,
)
from mega_cli.api.client import ServerClient
from mega_cli.api.retry import RetryableError
from mega_cli.crypto.keys import MasterKeys
from mega_cli.errors import (
    IntegrityError,
    MegaError,
    PermissionRefusedError,
    SafetyStopError,
    UsageError,
)
from mega_cli.formats.recovery_kit import encode_recovery_secret
from mega_cli.formats.root_record import open_root_record
from mega_cli.model import Secret
from mega_cli.system.directories import Home, open_home
from mega_server.config import Signup
from tests.kit.in_process import InProcessWire
from tests.kit.server import backend_of, make_app
from tests.kit.wire import ScriptedWire, patient
from tests.unit.account.conftest import PASSWORD, URL, Kept, World, sign_up

LOGIN = "/v1/login"


def test_signup_logs_in(world: World) -> None:
    """The new session is the stored one, and its profile the current one."""
    assert world.device.profile == "alice@127.0.0.1_8420"
    assert open_session(world.device) == world.made.session


def test_the_kit_holds_the_recovery_secret_and_the_fingerprint(world: World) -> None:
    """What is printed is what recovers, and what people compare."""
    kit = world.made.kit_text
    groups = encode_recovery_secret(world.made.recovery_secret).split("-")

    assert all(group in kit for group in groups)
    assert all(word in kit for word in account_info(world.made.session).fingerprint_words)


def test_signup_makes_and_pins_an_empty_volume(world: World) -> None:
    """Record 1 verifies with the derived keys, has no root page, and is pinned already."""
    session = world.made.session
    keys = MasterKeys(session.master_key, session.epoch).volume_keys()
    with open_volume(world.device) as volume:
        header, body = open_root_record(keys, volume.client.head(keys.volume))
        pin = volume.pin()

    assert (header.revision, body.root) == (1, None)
    assert pin is not None
    assert (pin.revision, pin.digest) == (1, header.digest)


@dataclass(frozen=True)
class Prepared:
    """A signup that costs its derivation once for all the tests below."""

    signup: PreparedSignup
    password: Secret


@pytest.fixture(scope="module")
def prepared(signed_up: World) -> Prepared:
    """Prepare an account that nobody has."""
    del signed_up  # it answers
    return Prepared(prepare_signup(URL, "erin", PASSWORD), PASSWORD)


def test_secrets_of_a_signup_do_not_show(prepared: Prepared) -> None:
    """What is prepared can be printed."""
    assert prepared.signup.kit_text[-200:] not in repr(prepared.signup)
    assert repr(prepared.signup.request.password_slot) not in repr(prepared.signup)


def test_a_kit_that_cannot_be_kept_makes_no_account(world: World, fresh: Home, prepared: Prepared) -> None:
    """It is kept first; a full disk ends it before anything is posted."""

    class Full(Kept):
        def keep(self, kit_text: str) -> None:
            assert kit_text
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        complete_signup(fresh, prepared.signup, prepared.password, Full())
    assert world.wire.requests == []


def test_a_refused_signup_forgets_its_kit(world: World, fresh: Home, prepared: Prepared) -> None:
    """It is the kit of no account; the hint names the way in for whoever has the account."""
    kit = Kept()
    taken = replace(prepared.signup, request=msgspec.structs.replace(prepared.signup.request, account="alice"))
    with pytest.raises(MegaError, match="exists") as caught:
        complete_signup(fresh, taken, prepared.password, kit)
    assert kit.forgotten
    assert caught.value.hint.endswith("mega login erin --server http://127.0.0.1:8420")
    assert world.wire.paths == ["/v1/accounts"]


def test_a_name_this_device_remembers_is_refused_before_anything_is_posted(
    world: World, fresh: Home, prepared: Prepared
) -> None:
    """The old account's pins would lock this device out of the new one for ever."""
    complete_signup(fresh, prepared.signup, prepared.password, Kept())
    again = prepare_signup(URL, prepared.signup.place.account, prepared.password)
    kit = Kept()
    posted_before = list(world.wire.paths)
    with pytest.raises(SafetyStopError, match="remembers another account") as caught:
        complete_signup(fresh, again, prepared.password, kit)
    assert (world.wire.paths, kit.kit_text) == (posted_before, "")
    assert "rm " in caught.value.hint


@pytest.mark.parametrize("failure", [RetryableError("the connection was cut"), IntegrityError()])
def test_a_signup_without_a_clear_answer_keeps_its_kit(
    fresh: Home, prepared: Prepared, failure: MegaError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account may exist, and then this is its only kit."""
    kit = Kept()
    wire = ScriptedWire([failure] * 3)
    monkeypatch.setattr(connection, "connect", lambda *_args, **_options: ServerClient(wire, retry=patient()))
    with pytest.raises(type(failure)) as caught:
        complete_signup(fresh, prepared.signup, prepared.password, kit)
    assert (kit.kit_text, kit.forgotten) == (prepared.signup.kit_text, False)
    assert "may have been made" in caught.value.hint
    assert caught.value.hint.endswith("mega login erin --server http://127.0.0.1:8420")


def test_a_login_that_fails_after_signup_keeps_the_kit(world: World, fresh: Home, prepared: Prepared) -> None:
    """The account is made; completing it later, with the password alone, gives the same account."""
    kit = Kept()
    world.wire.lies[LOGIN] = lambda told: told | {"token": "short"}
    with pytest.raises(IntegrityError) as caught:
        complete_signup(fresh, prepared.signup, prepared.password, kit)
    assert "the account is made" in caught.value.hint
    assert not kit.forgotten

    world.wire.lies.clear()
    session = complete_signup(fresh, replace(prepared.signup, prk=None), prepared.password, kit)

    assert open_session(open_home({"MEGA_HOME": str(fresh.directories.data)})) == session


def test_nothing_secret_is_sent_at_signup(world: World, fresh: Home) -> None:
    """Neither password nor master key nor recovery secret is in any byte that leaves the device."""
    made = sign_up(fresh, "carol", PASSWORD)
    sent = b"".join(request.content + str(request.url).encode() for request in world.wire.requests)

    for secret in (PASSWORD.reveal(), made.session.master_key.reveal(), made.recovery_secret):
        for form in (secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)):
            assert form.rstrip(b"=") not in sent


def test_a_taken_name_is_said(world: World, fresh: Home) -> None:
    """Somebody else's signup under the name fails and leaves no session."""
    with pytest.raises(MegaError, match="exists"):
        sign_up(fresh, "alice", Secret(b"another long password 42"))
    assert not (fresh.directories.accounts / "alice@127.0.0.1_8420").exists()
    assert world.wire.paths[-1] == "/v1/accounts"


@pytest.mark.parametrize("password", [b"password1", b"alice2024", b"", b"x" * 1025])
def test_a_weak_password_is_refused_before_anything_is_sent(world: World, fresh: Home, password: bytes) -> None:
    """The advice is zxcvbn's; the password is in no message."""
    with pytest.raises(UsageError) as caught:
        sign_up(fresh, "dave", Secret(password))
    assert not password or password.decode() not in caught.value.message + caught.value.hint
    assert world.wire.requests == []


def test_a_closed_server_refuses(tmp_path: Path, fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signup without the invitation the server wants is not permitted; who has one is not told to ask for a first."""
    wire = InProcessWire(make_app(tmp_path, signup=Signup.INVITE))
    monkeypatch.setattr(connection, "connect", wire.connect)
    for invite, hint in (("guess", "used up"), ("", "--invite-file")):
        with pytest.raises(PermissionRefusedError) as caught:
            sign_up(fresh, "alice", PASSWORD, invite=invite)
        assert hint in caught.value.hint
    backend_of(wire.app).close()
