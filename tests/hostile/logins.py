"""What the tests of logins share: two sound slots, who opens them, and a real login on a fresh device."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mega_cli.crypto.passwords import (
    FLOOR,
    login_keys_from_password,
    login_keys_from_recovery,
)
from mega_cli.errors import IntegrityError, MegaError
from mega_cli.formats.slot import open_password_slot, open_recovery_slot, seal_password_slot, seal_recovery_slot
from mega_cli.model import Secret
from tests.hostile.conftest import PASSWORD, World
from tests.kit import forge
from tests.kit.device import Device

LOGIN, KDF, CHALLENGE = "^/v1/login$", "/kdf$", "/challenge$"
VERSION_AT = 3
ORIGIN = "http://127.0.0.1:1"
SALT = forge.fixed("salt")
WRAP = login_keys_from_password(Secret(forge.fixed("prk"))).wrap_key
RECOVERY_WRAP = login_keys_from_recovery(forge.fixed("rk")).wrap_key
SLOT = seal_password_slot(WRAP, "alice", ORIGIN, SALT, FLOOR, Secret(forge.fixed("mk")), 1, 1)
RECOVERY_SLOT = seal_recovery_slot(RECOVERY_WRAP, "alice", ORIGIN, Secret(forge.fixed("mk")), 1, 1)
OPENERS: dict[str, Callable[[bytes], object]] = {
    "password slot": lambda raw: open_password_slot(WRAP, "alice", ORIGIN, SALT, FLOOR, raw),
    "recovery slot": lambda raw: open_recovery_slot(RECOVERY_WRAP, "alice", ORIGIN, raw),
}
SLOTS = {"password slot": SLOT, "recovery slot": RECOVERY_SLOT}


def with_slot(change: Callable[[bytes], bytes]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Change the slot in a login's answer."""
    return lambda told: told | {"slot": base64.b64encode(change(base64.b64decode(told["slot"]))).decode()}


def mega_login(world: World, home: Path, *words: str) -> tuple[int, str, Device]:
    """Run a login on a fresh device."""
    (home.parent / "password").write_bytes(PASSWORD)
    fresh = Device(home)
    password = ("--password-file", str(home.parent / "password"))
    ran = fresh.mega("login", "alice", "--server", world.proxy.url, *password, *words)
    return ran.code, ran.err, fresh


def is_refused(opener: Callable[[bytes], object], raw: bytes, kind: type[MegaError] = IntegrityError) -> bool:
    """Tell whether opening ends with exactly this error."""
    try:
        opener(raw)
    except kind:
        return True
    return False
