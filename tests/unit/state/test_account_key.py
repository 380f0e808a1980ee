"""The file of the account key."""

from __future__ import annotations

from pathlib import Path

import pytest

from mega_cli.errors import SafetyStopError
from mega_cli.model import Secret
from mega_cli.state.account_key import erase_account_key, load_account_key, save_account_key
from tests.kit.forge import fixed

KEY = Secret(fixed("account key"))


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    """0600, in letters, and read back; without the file there is no key."""
    path = tmp_path / "account-key"
    assert load_account_key(path) is None
    save_account_key(path, KEY)

    assert load_account_key(path) == KEY
    assert path.stat().st_mode & 0o777 == 0o600
    erase_account_key(path)
    assert load_account_key(path) is None


@pytest.mark.parametrize("content", [b"", b"ABCD", b"\xff\xfe"])
def test_a_damaged_key_is_no_absent_key(tmp_path: Path, content: bytes) -> None:
    """Going on without it would look like a wrong password: exit 7, and the content is not shown."""
    path = tmp_path / "account-key"
    path.write_bytes(content)
    with pytest.raises(SafetyStopError) as caught:
        load_account_key(path)
    assert caught.value.__cause__ is None
