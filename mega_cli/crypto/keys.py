"""The tree of keys: MK, everything derived from it, and a volume's keys. Nothing here is printed, stored or sent.

All private keys derive from MK, so a server has none to swap.
"""

from __future__ import annotations

from typing import final

import nacl.bindings

from mega_cli.crypto import labels
from mega_cli.crypto.kdf import kdf
from mega_cli.crypto.signing import public_key
from mega_cli.model import Secret, VolumeId

FIRST_EPOCH = 1


@final
class VolumeKeys:
    """A volume's keys, derived once from VK; the salt is the volume id."""

    __slots__ = ("_vk", "cdc", "dedup", "epoch", "page", "root_enc", "volume", "writer_public", "writer_seed")

    def __init__(self, vk: Secret, volume: VolumeId, epoch: int) -> None:
        """Derive everything now."""
        key = vk.reveal()
        self._vk = vk
        self.volume = volume
        self.epoch = epoch
        self.root_enc = kdf(key, labels.VOLUME_ROOT_ENC, volume)
        self.writer_seed = kdf(key, labels.VOLUME_ROOT_SIG, volume)
        self.writer_public = public_key(self.writer_seed)
        self.dedup = kdf(key, labels.VOLUME_DEDUP, volume)
        self.cdc = kdf(key, labels.VOLUME_CDC, volume)
        self.page = kdf(key, labels.VOLUME_PAGE, volume)

    def link_seed(self, link_id: bytes) -> bytes:
        """Derive the Ed25519 seed that signs the records of one link (its id has 16 bytes)."""
        return kdf(self._vk.reveal(), labels.VOLUME_LINK, link_id)

    def __repr__(self) -> str:
        """Show the volume and the epoch only."""
        return f"VolumeKeys(volume={self.volume.hex()}, epoch={self.epoch})"


@final
class MasterKeys:
    """What derives from MK in one epoch; the salt is the epoch, 4 bytes."""

    __slots__ = ("_mk", "_salt", "epoch", "identity_box_secret", "identity_sign_seed", "local_key", "volume_id")

    def __init__(self, mk: Secret, epoch: int) -> None:
        """Derive the identity, the local key and the home volume's id now."""
        self._mk = mk
        self._salt = epoch.to_bytes(4, "big")
        self.epoch = epoch
        self.identity_sign_seed = self._derive(labels.MASTER_IDENTITY_SIGN)
        self.identity_box_secret = self._derive(labels.MASTER_IDENTITY_BOX)
        self.local_key = self._derive(labels.MASTER_LOCAL)
        self.volume_id = VolumeId(self._derive(labels.MASTER_HOME_ID, 16))

    def _derive(self, label: bytes, n: int = 32) -> bytes:
        """Derive `n` bytes for `label`."""
        return kdf(self._mk.reveal(), label, self._salt, n)

    @property
    def identity_sign_public(self) -> bytes:
        """The Ed25519 key that names this account."""
        return public_key(self.identity_sign_seed)

    @property
    def identity_box_public(self) -> bytes:
        """The X25519 key that grants are sealed to."""
        return nacl.bindings.crypto_scalarmult_base(self.identity_box_secret)

    def volume_keys(self) -> VolumeKeys:
        """Derive the keys of the home volume."""
        return VolumeKeys(Secret(self._derive(labels.MASTER_HOME)), self.volume_id, self.epoch)

    def __repr__(self) -> str:
        """Show the epoch only."""
        return f"MasterKeys(epoch={self.epoch})"
