"""How often one address and one account may ask for what a guesser needs: limits that all workers share.

A limit is a bucket of `burst` requests that fills again by `per_minute`, kept as one time (GCRA, ITU-T I.371): so a
refusal can say exactly when the next request passes, and whom a flood from one address has locked out waits seconds.
Unknown and known accounts are limited alike: the account's row is never looked at. Rows hold keyed hashes, no address.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Connection

from mega_server.database import rates
from mega_server.protocol.errors import ErrorCode
from mega_server.refusal import RefusedError
from mega_server.services.backend import Backend

_MINUTE_MS = 60_000
_IPV6_SUBSCRIBER_BITS = 64


class Action(StrEnum):
    """What is limited."""

    KDF = "kdf"
    SIGNUP = "signup"
    CHALLENGE = "challenge"
    LOGIN = "login"
    LINK = "link"


class Rate(NamedTuple):
    """So many requests at once, then so many a minute."""

    burst: int
    per_minute: int

    @property
    def interval_ms(self) -> int:
        """The time after which one more passes."""
        return _MINUTE_MS // self.per_minute


# A login asks once for each of kdf, challenge and login. An office behind one address starts its day within the burst;
# 30 guesses a minute at one account are 16 million a year, which a password that signup takes withstands.
# An address gets a third of what an account does: who floods an account's bucket from one leaves room for its owner.
_BY_ADDRESS = {
    Action.KDF: Rate(300, 10),
    Action.SIGNUP: Rate(30, 2),
    Action.CHALLENGE: Rate(300, 10),
    Action.LOGIN: Rate(300, 10),
    Action.LINK: Rate(600, 40),
}
_BY_ACCOUNT = {
    Action.KDF: Rate(300, 30),
    Action.SIGNUP: Rate(30, 6),
    Action.CHALLENGE: Rate(300, 30),
    Action.LOGIN: Rate(300, 30),
    Action.LINK: Rate(600, 120),  # by link: one that a thousand people were sent is not an attack
}


def admit(backend: Backend, action: Action, address: str, account: str) -> None:
    """Count a request, or refuse it. Raises RefusedError: rate_limited, with the time until one passes.

    A refused request writes nothing, so a flood does not hold up the commits of others.
    """
    limits = {_key(backend, action, b"account", account): _BY_ACCOUNT[action]}
    if subject := _subscriber(address):
        limits[_key(backend, action, b"address", subject)] = _BY_ADDRESS[action]
    now = backend.clock()
    with backend.database.reading() as connection:
        wait_ms, _ = _look(connection, limits, now)
    if not wait_ms:
        # What a power cut forgets of this is no loss.
        with backend.database.writing(is_durable=False) as connection:
            wait_ms, times = _look(connection, limits, now)
            if not wait_ms:
                rates.put_busy_until(connection, times, now)
    if wait_ms:
        raise RefusedError(
            ErrorCode.RATE_LIMITED, "too many requests of this kind; wait a little", retry_after_s=wait_ms / 1_000
        )


def _look(connection: Connection, limits: dict[bytes, Rate], now: int) -> tuple[int, dict[bytes, int]]:
    """Say how long this request must wait, 0 when it passes, and what to write then."""
    found = rates.busy_until(connection, limits)
    wait_ms, times = 0, {}
    for key, rate in limits.items():
        allowance_ms = rate.burst * rate.interval_ms
        busy = max(found.get(key, 0), now)
        if busy > now + allowance_ms:  # no request writes this: the clock was set back
            busy = now
        times[key] = busy + rate.interval_ms
        wait_ms = max(wait_ms, times[key] - allowance_ms - now)
    return wait_ms, times


def _subscriber(address: str) -> str:
    """Say whose address it is: one of IPv4, or the 64 bits of IPv6 that one subscriber has; "" is not limited.

    Loopback is not: what comes from there is this machine, or a proxy that `--trusted-proxies` does not count, behind
    which everyone would share one bucket.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None and not found.is_loopback:
            return str(ipaddress.ip_network((found, _IPV6_SUBSCRIBER_BITS), strict=False))
        found = found.ipv4_mapped or found
    return "" if found.is_loopback else str(found)


def _key(backend: Backend, action: Action, kind: bytes, subject: str) -> bytes:
    return hmac.digest(backend.secret, b"\0".join((b"rate", action.encode(), kind, subject.encode())), hashlib.sha256)
