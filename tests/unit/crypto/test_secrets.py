"""Tests that keys do not show, and that weak parameters cost no work."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from mega_cli.crypto.keys import MasterKeys
from mega_cli.crypto.passwords import FLOOR, check_policy, login_keys_from_recovery, password_key
from mega_cli.errors import PolicyError, UsageError
from mega_cli.formats.object import Sealer
from mega_cli.model import MIB, KdfPolicy, Secret
from tests.kit.forge import ACCOUNT, KEYS, MASTER, ORIGIN, fixed


@pytest.mark.parametrize(
    "shown", [MASTER, KEYS, login_keys_from_recovery(fixed("rk")), Sealer(KEYS).seal_data(b"x" * 600)]
)
def test_no_key_shows_in_repr(shown: Any) -> None:
    """Neither the bytes nor their hexadecimal form of any 32-byte field stand in what is printed."""
    fields = getattr(shown, "__slots__", ()) or ("ref",)
    values = [getattr(shown, name) for name in fields if name not in ("_mk", "_salt")]
    values += [shown.ref.key] if hasattr(shown, "ref") else []
    secrets = [value for value in values if isinstance(value, bytes) and len(value) == 32]

    assert secrets
    assert not any(secret.hex() in repr(shown) or repr(secret) in repr(shown) for secret in secrets)


def test_epochs_share_no_key() -> None:
    """The same MK in another epoch gives another volume."""
    assert MasterKeys(Secret(bytes(32)), 1).volume_id != MasterKeys(Secret(bytes(32)), 2).volume_id


def test_the_floor_that_was_pinned_holds() -> None:
    """Parameters above our floor but below what this device has seen are refused."""
    with pytest.raises(PolicyError):
        check_policy("argon2id", 3, 64 * MIB, floor=KdfPolicy(3, 128 * MIB))


def test_a_pin_cannot_lower_the_floor() -> None:
    """A floor below ours changes nothing."""
    with pytest.raises(PolicyError):
        check_policy("argon2id", 1, 8 * MIB, floor=KdfPolicy(1, 8 * MIB))


def test_parameters_out_of_bounds_cost_no_derivation() -> None:
    """A server that asks for a terabyte is refused before a byte is allocated."""
    with mock.patch("nacl.bindings.crypto_pwhash_alg") as derive, pytest.raises(PolicyError):
        password_key(Secret(b"pw"), bytes(32), ACCOUNT, ORIGIN, KdfPolicy(3, 1 << 40))

    derive.assert_not_called()


def test_a_salt_of_a_wrong_length_is_refused() -> None:
    """The salt is 32 bytes, so that account and salt cannot run into each other."""
    with pytest.raises(PolicyError):
        password_key(Secret(b"pw"), bytes(31), ACCOUNT, ORIGIN, FLOOR)


def test_a_password_that_is_no_text_is_refused() -> None:
    """Bytes that are not UTF-8 have no normal form, and the message does not repeat them."""
    with pytest.raises(UsageError) as caught:
        password_key(Secret(b"pw\xff"), bytes(32), ACCOUNT, ORIGIN, FLOOR)

    assert "pw" not in caught.value.message
