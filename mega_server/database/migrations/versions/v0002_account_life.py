"""Disabled accounts, invites, rate limits, and the packs that deleted accounts leave to be removed.

It is frozen: a change is a new revision, never an edit here.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Index, LargeBinary

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add one column and three tables; no row is rewritten, however large the store."""
    op.add_column("accounts", Column("disabled", BigInteger))
    op.create_table(
        "invites",
        Column("code_hash", LargeBinary(32), primary_key=True),
        Column("quota_bytes", BigInteger),
        Column("expires", BigInteger, nullable=False),
    )
    op.create_table(
        "rate_limits",
        Column("key", LargeBinary(32), primary_key=True),
        Column("busy_until", BigInteger, nullable=False),
        Index("rate_limits_by_time", "busy_until"),
    )
    op.create_table(
        "doomed_packs",
        Column("volume", LargeBinary(16), primary_key=True),
        Column("name", LargeBinary(32), primary_key=True),
    )
