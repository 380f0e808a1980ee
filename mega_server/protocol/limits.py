"""Bounds that both sides check before they allocate."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

PROTOCOL_MAJOR = 1

PACK_BYTES = 16 * MIB
"""The largest pack a server takes, header included."""
PACK_BLOBS = 16_384
PACK_TARGET_BYTES = 8 * MIB
"""The size clients aim at: 128 fsyncs a GiB, and few enough bytes in flight to stay within the memory budget."""

IDS_PER_REQUEST = 65_536
NEEDS_PER_COMMIT = 262_144
MISSING_PER_REPLY = 16_384
"""So many ids fit an error answer, which is JSON and bounded like any other; `missing` names the rest."""
BLOBS_REPLY_BYTES = 64 * MIB
"""The most that one `blobs` request may ask for; what lies beyond is framed as "not sent"."""
JSON_BYTES = 1 * MIB
RECORDS_PER_REPLY = 8_192

ROOT_RECORD_BYTES = 746
SLOT_BYTES = 128
LOGIN_KEY_BYTES = 32
IDCERT_MOST_BYTES = 1_024
BLOB_LEAST_BYTES = 512 + 52
"""The smallest sealed object: a payload of 512 bytes and 52 bytes of seal."""
BLOB_MOST_BYTES = 5 * MIB
"""More than any sealed object: 4 MiB of data, its header, Padme padding and seal."""

QUOTA_BYTES = 50 * GIB
OVER_QUOTA_PACK_BYTES = 1 * MIB
"""Over quota, packs up to this size still pass, so that people can always delete."""
OVER_QUOTA_ALLOWANCE_BYTES = 64 * MIB

CHALLENGE_LIFE_S = 60
SESSION_IDLE_DAYS = 180
SESSIONS_PER_ACCOUNT = 1_000
"""A script that logs in every hour stays within; a list of them fits an answer."""
DEVICE_NAME_CHARS = 100

FEED_WAIT_S = 55
"""The longest that a request for the feed is held; proxies cut what is silent for a minute."""
FEED_POLL_S = 20
"""How long a client rests that the server cannot hold."""

LINK_RECORD_BYTES = 1_104
LINK_SESSION_S = 6 * 3_600
LINKS_PER_ACCOUNT = 10_000
"""Enough for everyone who shares; an account that floods the table is stopped here."""
