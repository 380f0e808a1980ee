"""Links, and the sessions of their visitors.

It is frozen: a change is a new revision, never an edit here.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add two tables."""
    op.create_table(
        "links",
        Column("link", LargeBinary(16), primary_key=True),
        Column("account", String(63), ForeignKey("accounts.account", ondelete="CASCADE"), nullable=False),
        Column("volume", LargeBinary(16), nullable=False),
        Column("auth_hash", LargeBinary(32), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("most_opened", BigInteger, nullable=False),
        Column("opened", BigInteger, nullable=False),
        Column("fetched_bytes", BigInteger, nullable=False),
        Column("created", BigInteger, nullable=False),
        Column("last_opened", BigInteger, nullable=False),
        Column("revoked", BigInteger),
        Column("disabled", BigInteger),
        Column("record", LargeBinary(1104), nullable=False),
        Index("links_by_account", "account"),
    )
    op.create_table(
        "link_sessions",
        Column("token_hash", LargeBinary(32), primary_key=True),
        Column("link", LargeBinary(16), ForeignKey("links.link", ondelete="CASCADE"), nullable=False),
        Column("opened", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),
        Column("fetched_bytes", BigInteger, nullable=False),
        Index("link_sessions_by_link", "link", "opened"),
    )
