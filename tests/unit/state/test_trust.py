"""The trust store."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mega_cli.errors import PolicyError, RollbackError, SafetyStopError, UntrustedKeyError
from mega_cli.model import MIB, KdfPolicy, Pin, VolumeId
from mega_cli.state.trust import AccountPin, TrustStore

ORIGIN, ACCOUNT, VOLUME, EPOCH = "https://cloud.example.org", "alice", VolumeId(b"v" * 16), 1
KEY = (ORIGIN, ACCOUNT, VOLUME, EPOCH)
POLICY = KdfPolicy(3, 256 * MIB)
SEEN = AccountPin(b"s" * 32, POLICY, b"i" * 32)


def at(revision: int, branch: bytes = b"a") -> Pin:
    """Make the pin of a record."""
    return Pin(revision, bytes([revision]) * 31 + branch)


@pytest.fixture
def trust(tmp_path: Path) -> Iterator[TrustStore]:
    """Open an empty store."""
    store = TrustStore(tmp_path / "state" / "trust.db")
    yield store
    store.close()


def test_a_fresh_device_has_no_pin(trust: TrustStore) -> None:
    """Nothing seen, nothing pinned."""
    assert trust.pin(*KEY) is None


def test_a_pin_rises_along_a_run(trust: TrustStore) -> None:
    """The last record of a verified run is the pin."""
    trust.raise_pin(*KEY, [at(4)])
    trust.raise_pin(*KEY, [at(4), at(5), at(6)])

    assert trust.pin(*KEY) == at(6)


def test_a_pin_survives_a_restart(trust: TrustStore, tmp_path: Path) -> None:
    """Another process sees it."""
    trust.raise_pin(*KEY, [at(4)])
    again = TrustStore(tmp_path / "state" / "trust.db")

    assert again.pin(*KEY) == at(4)
    again.close()


def test_pins_are_kept_apart(trust: TrustStore) -> None:
    """Origin, account, volume and epoch each have their own."""
    trust.raise_pin(*KEY, [at(4)])

    assert trust.pin("https://other", ACCOUNT, VOLUME, EPOCH) is None
    assert trust.pin(ORIGIN, "bob", VOLUME, EPOCH) is None
    assert trust.pin(ORIGIN, ACCOUNT, VolumeId(b"w" * 16), EPOCH) is None
    assert trust.pin(*KEY[:3], 2) is None


def test_a_pin_never_falls(trust: TrustStore) -> None:
    """A run that ends below the pin leaves it."""
    trust.raise_pin(*KEY, [at(6)])
    trust.raise_pin(*KEY, [at(4), at(5)])

    assert trust.pin(*KEY) == at(6)


def test_a_run_that_begins_above_the_pin_leaves_it(trust: TrustStore) -> None:
    """A run that says nothing about the pinned record proves nothing about it."""
    trust.raise_pin(*KEY, [at(4)])
    trust.raise_pin(*KEY, [at(6)])

    assert trust.pin(*KEY) == at(4)


@pytest.mark.attack("T21")
@pytest.mark.parametrize("run", [[at(5, b"b")], [at(4), at(5, b"b")], [at(4), at(5, b"b"), at(6, b"b")]])
def test_two_records_at_one_revision_are_a_fork(trust: TrustStore, run: list[Pin]) -> None:
    """A pin raised meanwhile must be a record of the run, or the server showed two histories."""
    trust.raise_pin(*KEY, [at(5)])
    with pytest.raises(RollbackError):
        trust.raise_pin(*KEY, run)
    assert trust.pin(*KEY) == at(5)


def test_the_first_login_fixes_salt_policy_and_identity(trust: TrustStore) -> None:
    """What a login proved is read back."""
    assert trust.account_pin(ORIGIN, ACCOUNT) is None
    trust.pin_account(ORIGIN, ACCOUNT, SEEN)

    assert trust.account_pin(ORIGIN, ACCOUNT) == SEEN


@pytest.mark.attack("T07")
@pytest.mark.parametrize(
    ("salt", "policy"),
    [(b"t" * 32, POLICY), (b"s" * 32, KdfPolicy(3, 64 * MIB)), (b"s" * 32, KdfPolicy(2, 256 * MIB))],
)
def test_another_salt_or_weaker_parameters_are_refused(trust: TrustStore, salt: bytes, policy: KdfPolicy) -> None:
    """The salt stays as it is; the parameters are a floor."""
    trust.pin_account(ORIGIN, ACCOUNT, SEEN)
    with pytest.raises(PolicyError):
        trust.check_kdf(ORIGIN, ACCOUNT, salt, policy)
    with pytest.raises(PolicyError):
        trust.pin_account(ORIGIN, ACCOUNT, AccountPin(salt, policy, SEEN.identity))


def test_stronger_parameters_raise_the_floor(trust: TrustStore) -> None:
    """After a login with more memory, less is refused."""
    trust.pin_account(ORIGIN, ACCOUNT, SEEN)
    trust.pin_account(ORIGIN, ACCOUNT, AccountPin(SEEN.server_salt, KdfPolicy(4, 512 * MIB), SEEN.identity))
    with pytest.raises(PolicyError):
        trust.check_kdf(ORIGIN, ACCOUNT, SEEN.server_salt, POLICY)


@pytest.mark.attack("T06")
def test_another_identity_is_a_hard_stop(trust: TrustStore) -> None:
    """Keys that are not the account's end the login, and the pin stays."""
    trust.pin_account(ORIGIN, ACCOUNT, SEEN)
    with pytest.raises(UntrustedKeyError):
        trust.pin_account(ORIGIN, ACCOUNT, AccountPin(SEEN.server_salt, POLICY, b"j" * 32))
    assert trust.account_pin(ORIGIN, ACCOUNT) == SEEN


def test_a_damaged_store_is_never_made_good(tmp_path: Path) -> None:
    """Forgetting pins is the user's decision: the damaged file stays as it is."""
    path = tmp_path / "trust.db"
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(SafetyStopError):
        TrustStore(path)
    assert path.read_bytes() == b"no database" * 1000


def test_the_store_is_private(trust: TrustStore, tmp_path: Path) -> None:
    """0600 in 0700."""
    trust.raise_pin(*KEY, [at(4)])

    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "trust.db").stat().st_mode & 0o777 == 0o600


def test_threads_raise_one_pin(trust: TrustStore, tmp_path: Path) -> None:
    """Whoever comes first, the highest record of the chain is pinned in the end."""
    other = TrustStore(tmp_path / "state" / "trust.db")
    trust.raise_pin(*KEY, [at(1)])
    runs = [(store, [at(n) for n in range(1, top + 1)]) for top in range(2, 20) for store in (trust, other)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda run: run[0].raise_pin(*KEY, run[1]), reversed(runs)))

    assert trust.pin(*KEY) == other.pin(*KEY) == at(19)
    other.close()
