"""Tables that every subgraph's database has: streams, outbox, inbox, deadlines, idempotency keys.

They are Core tables with a metadata of their own; a subgraph's first migration creates them together
with its own, since its `migrations/env.py` hands both to Alembic.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData()

Utc = DateTime(timezone=True)

streams = Table(
    "streams",
    metadata,
    Column("stream", Text(collation="C"), primary_key=True),
    Column("head", BigInteger, nullable=False, comment="seq of the newest event"),
    Column(
        "redactions",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="How often events were redacted, so that processes drop what they remember",
    ),
    comment="One row per stream; its lock orders the stream's writers",
)

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigInteger, Identity(always=True), primary_key=True),
    Column("stream", Text(collation="C"), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("type", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("traceparent", Text),
    Column("occurred_at", Utc, nullable=False),
    Column("published_at", Utc),
    UniqueConstraint("stream", "seq"),
    Index("outbox_unpublished", "position", postgresql_where=text("published_at IS NULL")),
    Index("outbox_occurred_at", "occurred_at"),
    comment="Events to publish, and the log that subscriptions replay",
)

inbox = Table(
    "inbox",
    metadata,
    Column("consumer", Text(collation="C"), nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("processed_at", Utc, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("consumer", "event_id"),
    Index("inbox_processed_at", "processed_at"),
    comment="Events whose effect is committed; written in the effect's transaction",
)

deadlines = Table(
    "deadlines",
    metadata,
    Column("kind", Text(collation="C"), nullable=False),
    Column("subject_id", Text(collation="C"), nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("kind", "subject_id"),
    Index("deadlines_due_at", "due_at"),
    comment="What must happen at a time unless it is called off",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor_id", Text(collation="C"), nullable=False),
    Column("key", Text(collation="C"), nullable=False),
    Column("mutation", Text, nullable=False),
    Column("input_hash", LargeBinary, nullable=False, comment="SHA-256 of the canonical input"),
    Column("result_id", Text, nullable=False),
    Column("created_at", Utc, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("actor_id", "key"),
    Index("idempotency_keys_created_at", "created_at"),
    comment="Mutations whose effect is committed; written in the effect's transaction",
)
