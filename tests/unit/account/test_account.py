"""Login, logout and what a session opens, against the real server in this process."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from mega_cli.account import (
    account_info,
    connection,
    login,
    logout,
    open_session,
    open_volume,
)
from mega_cli.account.access import known_account
from mega_cli.account.connection import place_of
from mega_cli.account.login import device_label, identity_of, keep, prove
from mega_cli.api.client import ServerClient
from mega_cli.api.retry import RetryableError
from mega_cli.crypto.passwords import DEFAULT_POLICY, password_key
from mega_cli.errors import (
    IntegrityError,
    NotLoggedInError,
    PolicyError,
    SafetyStopError,
    TemporaryError,
    UntrustedKeyError,
)
from mega_cli.model import KIB, MIB, Network, Secret
from mega_cli.state.session import Session, save_session
from mega_cli.state.trust import AccountPin, TrustStore
from mega_cli.system.directories import Home, open_home
from tests.kit.wire import ScriptedWire, patient
from tests.unit.account.conftest import PASSWORD, URL, World

KDF, CHALLENGE, LOGIN = "/v1/accounts/alice/kdf", "/v1/login/challenge", "/v1/login"


def test_a_second_device_gets_the_same_keys(world: World, fresh: Home) -> None:
    """Login elsewhere opens the slot: same master key, a device id and a token of its own."""
    session = login(fresh, URL, "alice", PASSWORD, device_name="second")

    assert session.master_key == world.made.session.master_key
    assert session.device_id != world.made.session.device_id
    assert session.token != world.made.session.token
    assert open_session(open_home({"MEGA_HOME": str(fresh.directories.data)})) == session


def test_an_origin_can_be_reached_elsewhere(world: World, fresh: Home) -> None:
    """`connect_to` changes the address that is asked, not what the keys are bound to."""
    world.wire.lies["/v1/server"] = lambda told: told | {"origin": "http://cloud.example.org"}
    with pytest.raises(NotLoggedInError):  # alice was made under another origin, so her password gives other keys
        login(fresh, "http://cloud.example.org", "alice", PASSWORD, connect_to=URL)
    assert {request.url.host for request in world.wire.requests} == {"127.0.0.1"}


@pytest.mark.attack("T15")
def test_a_server_cannot_choose_the_origin(world: World, fresh: Home) -> None:
    """A server that says its accounts belong elsewhere gets no login for there."""
    world.wire.lies["/v1/server"] = lambda told: told | {"origin": "https://bank.example.org"}
    with pytest.raises(PolicyError, match="another address"):
        login(fresh, URL, "alice", PASSWORD)
    assert world.wire.paths == ["/v1/server"]


@pytest.mark.attack("T10")
def test_wrong_password_and_unknown_account_are_the_same(world: World, fresh: Home) -> None:
    """Same error, same sentence, same requests."""
    seen = []
    for account, password in (("alice", Secret(b"wrong")), ("nobody", PASSWORD)):
        world.wire.requests.clear()
        with pytest.raises(NotLoggedInError) as caught:
            login(fresh, URL, account, password)
        paths = [path.replace(account, "x") for path in world.wire.paths]
        seen.append((caught.value.message, caught.value.hint, paths))

    assert seen[0] == seen[1]


@pytest.mark.attack("T07")
@pytest.mark.parametrize(
    "lie",
    [
        {"passes": 1},
        {"memory_bytes": 8 * KIB},
        {"algorithm": "argon2i"},
        {"memory_bytes": 1024 * 1024 * MIB},
        {"passes": 17},
        {"server_salt": base64.b64encode(bytes(8)).decode()},
    ],
)
def test_weak_or_absurd_parameters_end_it_before_a_login(world: World, fresh: Home, lie: dict[str, Any]) -> None:
    """Exit 17, and no message of a login was sent."""
    world.wire.lies[KDF] = lambda told: told | lie
    with pytest.raises(PolicyError):
        login(fresh, URL, "alice", PASSWORD)
    assert world.wire.paths == ["/v1/server", KDF]


@pytest.mark.attack("T07")
@pytest.mark.parametrize("lie", [{"server_salt": base64.b64encode(bytes(32)).decode()}, {"memory_bytes": 64 * MIB}])
def test_a_device_that_knows_the_account_notices_a_change(world: World, lie: dict[str, Any]) -> None:
    """Another salt, and parameters above our floor but below the account's, are refused before a login."""
    world.wire.lies[KDF] = lambda told: told | lie
    with pytest.raises(PolicyError):
        login(world.device, URL, "alice", PASSWORD)
    assert world.wire.paths == ["/v1/server", KDF]


@pytest.fixture(scope="module")
def prk(signed_up: World) -> tuple[bytes, Secret]:
    """Derive the password's key once, for the tests that lie about what comes after it."""
    client = signed_up.wire.connect(URL)
    salt = client.kdf("alice").server_salt
    return salt, password_key(PASSWORD, salt, "alice", URL, DEFAULT_POLICY)


def prove_with(world: World, prk: tuple[bytes, Secret]) -> Session:
    """Log in as far as the opened slot."""
    client = world.wire.connect(URL)
    place = place_of("alice", URL)
    return prove(client, place, prk[1], prk[0], DEFAULT_POLICY, device_name="x")


@pytest.mark.attack("T01")
@pytest.mark.parametrize("at", [0, 4, 5, 8, 31, 32, 64, 127])
def test_a_mauled_slot_ends_the_login(world: World, prk: tuple[bytes, Secret], at: int) -> None:
    """Any flipped byte of the slot is exit 14, and nothing is sent after it."""

    def maul(told: dict[str, Any]) -> dict[str, Any]:
        slot = bytearray(base64.b64decode(told["slot"]))
        slot[at] ^= 1
        return told | {"slot": base64.b64encode(slot).decode()}

    world.wire.lies[LOGIN] = maul
    with pytest.raises(IntegrityError):
        prove_with(world, prk)
    assert world.wire.paths == [CHALLENGE, LOGIN]


@pytest.mark.parametrize(
    "lie",
    [
        {"token": "short"},
        {"token": "A" * 42 + "\n"},
        {"session_id": ""},
        {"session_id": "../../me"},
        {"slot": ""},
        {"slot": base64.b64encode(bytes(129)).decode()},
    ],
)
def test_a_malformed_session_is_a_wrong_answer(world: World, prk: tuple[bytes, Secret], lie: dict[str, Any]) -> None:
    """What goes into headers and paths later is checked when it arrives."""
    world.wire.lies[LOGIN] = lambda told: told | lie
    with pytest.raises(IntegrityError):
        prove_with(world, prk)


@pytest.mark.attack("T14")
def test_a_challenge_of_another_length_is_not_signed(world: World, prk: tuple[bytes, Secret]) -> None:
    """A server nonce that could carry another layout is refused, and no login is sent."""
    world.wire.lies[CHALLENGE] = lambda _told: {"server_nonce": base64.b64encode(bytes(746)).decode()}
    with pytest.raises(IntegrityError):
        prove_with(world, prk)
    assert world.wire.paths == [CHALLENGE]


@pytest.mark.attack("T06")
def test_other_keys_than_the_known_ones_are_not_kept(world: World) -> None:
    """A login that ends with another identity leaves the old session in place."""
    session = replace(world.made.session, master_key=Secret(b"x" * 32))
    own = world.device
    with pytest.raises(UntrustedKeyError):
        keep(own, session, AccountPin(_pinned(own).server_salt, DEFAULT_POLICY, identity_of(session)))
    assert open_session(own) == world.made.session


def test_the_network_of_a_login_is_kept(world: World, fresh: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Authorities and proxy serve the login itself and every later command of the device."""
    network = Network(ca_file="/etc/company.pem", proxy="http://proxy:3128")
    used: list[Network] = []

    def connect(server_url: str, network: Network, **settings: Any) -> ServerClient:
        used.append(network)
        return world.wire.connect(server_url, **settings)

    monkeypatch.setattr(connection, "connect", connect)
    login(fresh, URL, "alice", PASSWORD, network=network)
    account_info(open_session(open_home({"MEGA_HOME": str(fresh.directories.data)})))

    assert used == [network, network]


def test_the_account_is_known_after_logout(world: World) -> None:
    """Origin and name are in the pins, which stay."""
    world.device.session_file.unlink()

    assert known_account(world.device) == (URL, "alice")


@pytest.mark.usefixtures("world")
def test_logout_ends_the_session_and_erases_the_keys(fresh: Home) -> None:
    """The server refuses the token, session and index are gone, the pins stay."""
    session = login(fresh, URL, "alice", PASSWORD)
    home = open_home({"MEGA_HOME": str(fresh.directories.data)})
    home.index_file.write_bytes(b"keys")
    logout(home)

    with pytest.raises(NotLoggedInError):
        open_volume(home)
    with pytest.raises(NotLoggedInError):
        account_info(session)
    assert sorted(file.name for file in home.folder.iterdir()) == ["trust.db"]


def test_logout_erases_even_when_the_server_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device can always forget; it says that the server was not told."""
    wire = ScriptedWire([RetryableError("cannot be reached")] * 3)
    monkeypatch.setattr(connection, "connect", lambda *_args, **_options: ServerClient(wire, retry=patient()))
    with pytest.raises(TemporaryError) as caught:
        logout(world.device)
    assert "holds no key any more" in caught.value.hint
    assert not world.device.session_file.exists()


def test_whoami_tells_what_the_server_counts(world: World) -> None:
    """Quota and use come from the server, the rest from the session."""
    info = account_info(world.made.session)

    assert (info.account, info.origin, info.device_name) == ("alice", URL, "first")
    assert (info.quota_bytes, info.used_bytes) == (1 << 30, 0)
    assert len(info.fingerprint_words) == 12


def test_an_answer_about_another_account_is_refused(world: World) -> None:
    """The server cannot pass one account off as another."""
    world.wire.lies["/v1/accounts/me"] = lambda told: told | {"account": "mallory"}
    with pytest.raises(IntegrityError):
        account_info(world.made.session)


@pytest.mark.attack("T20")
def test_a_volume_is_not_opened_without_its_pins(world: World) -> None:
    """A lost file of pins is a safety stop, before anything is sent."""
    world.device.trust_file.unlink()
    with pytest.raises(SafetyStopError):
        open_volume(world.device)
    assert world.wire.requests == []


def test_a_session_with_other_keys_is_not_opened(world: World) -> None:
    """Keys that were swapped on the disk are noticed."""
    save_session(world.device.session_file, replace(world.made.session, master_key=Secret(b"x" * 32)))
    with pytest.raises(UntrustedKeyError):
        open_volume(world.device)


def test_a_device_name_is_bounded_and_printable() -> None:
    """What a host is called cannot break a login."""
    assert device_label("lap\x1btop" + "x" * 200) == "laptop" + "x" * 94
    assert device_label("")


def _pinned(own: Home) -> AccountPin:
    trust = TrustStore(own.trust_file)
    pin = trust.account_pin(URL, "alice")
    trust.close()
    assert pin is not None
    return pin
