"""The slots of an account and the keys beside them: drawn at signup, replaced by passwd and recover.

A change is one request, signed by a present login key. Its answer can be lost, so whoever changes something is told
apart what happened, what did not, and what nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mega_cli.account.connection import Place
from mega_cli.account.login import signed
from mega_cli.api.client import ServerClient
from mega_cli.api.messages import DeleteRequest, ErrorCode, KdfParameters, SlotsRequest
from mega_cli.api.retry import RetryableError
from mega_cli.crypto.passwords import ALGORITHM, login_keys_from_password, login_keys_from_recovery
from mega_cli.crypto.signing import public_key
from mega_cli.errors import MegaError, NotLoggedInError, TemporaryError
from mega_cli.formats.slot import seal_password_slot, seal_recovery_slot
from mega_cli.model import KdfPolicy, Secret


@dataclass(frozen=True, slots=True)
class Master:
    """What a slot holds: the master key, its epoch, and when the slot was made (milliseconds since 1970)."""

    key: Secret
    epoch: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class LoginPart:
    """One way into the account: a public login key, the slot that it releases, and the seed that signs."""

    login_key: bytes
    slot: bytes = field(repr=False)
    login_seed: bytes = field(repr=False)


def password_part(place: Place, prk: Secret, salt: bytes, policy: KdfPolicy, master: Master) -> LoginPart:
    """Seal the master key for a stretched password."""
    keys = login_keys_from_password(prk)
    slot = seal_password_slot(
        keys.wrap_key, place.account, place.origin, salt, policy, master.key, master.epoch, master.created_ms
    )
    return LoginPart(public_key(keys.login_seed), slot, keys.login_seed)


def recovery_part(place: Place, recovery_secret: bytes, master: Master) -> LoginPart:
    """Seal the master key for a recovery secret."""
    keys = login_keys_from_recovery(recovery_secret)
    slot = seal_recovery_slot(keys.wrap_key, place.account, place.origin, master.key, master.epoch, master.created_ms)
    return LoginPart(public_key(keys.login_seed), slot, keys.login_seed)


def kdf_of(salt: bytes, policy: KdfPolicy) -> KdfParameters:
    """Write salt and parameters as the server keeps them."""
    return KdfParameters(algorithm=ALGORITHM, server_salt=salt, passes=policy.passes, memory_bytes=policy.memory_bytes)


def stronger(one: KdfPolicy, other: KdfPolicy) -> KdfPolicy:
    """Give parameters that are weaker than neither."""
    return KdfPolicy(max(one.passes, other.passes), max(one.memory_bytes, other.memory_bytes))


class UnknownOutcomeError(TemporaryError):
    """A change was sent, and nobody knows whether it was made."""

    name = "unknown_outcome"


@dataclass(slots=True)
class SignedChange:
    """A request that changes or deletes the account, signed anew for each try."""

    client: ServerClient
    origin: str
    message: SlotsRequest | DeleteRequest = field(repr=False)
    is_in_doubt: bool = False
    """A try went out that the server itself has not refused: it may have changed what was asked."""

    def send(self, login_seed: bytes) -> None:
        """Send it until it is answered, under the retry policy. Raises what the last try raised."""
        is_deletion = isinstance(self.message, DeleteRequest)
        put: Callable[[bytes, str], None] = self.client.delete_account if is_deletion else self.client.change_slots
        failures = 0
        while True:
            request, proof = signed(self.client, self.origin, self.message, login_seed)
            try:
                return put(request.body, proof)
            except MegaError as error:
                # Only a refusal in the server's own words says that nothing was done; a proxy's page does not.
                self.is_in_doubt = self.is_in_doubt or "code" not in error.details
                if not isinstance(error, RetryableError):
                    raise
                failures += 1
                self.client.pause(error, failures)

    def settle(self, present_seed: bytes, new_seed: bytes) -> None:
        """Send it signed by the present key; once a try may have succeeded, by the new one, which signs from then on.

        Raises UnknownOutcomeError; anything else means that nothing was changed.
        """
        try:
            try:
                self.send(present_seed)
            except NotLoggedInError:
                if not self.is_in_doubt:
                    raise
                self._send_again(new_seed)
        except MegaError as error:
            if self.is_in_doubt:
                message = "the answer of the server was lost, so the change may have been made or not"
                raise UnknownOutcomeError(message) from error
            raise

    def _send_again(self, new_seed: bytes) -> None:
        """Sign with the new key what the present one no longer signs, or never did: refused both, it was not made."""
        try:
            self.send(new_seed)
        except NotLoggedInError as error:
            self.is_in_doubt = error.details.get("code") != ErrorCode.LOGIN_REFUSED
            raise
