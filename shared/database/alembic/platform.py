"""The platform's tables as migrations build them: a subgraph's first migration calls `create_v1`.

A step that has run somewhere is never edited; a change of shared/database/tables.py is a new function here and a
new migration in each subgraph.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

_KEY = sa.Text(collation="C")
_UTC = sa.DateTime(timezone=True)


def create_v1() -> None:
    """Creates streams, outbox, inbox, deadlines and idempotency_keys."""
    op.create_table(
        "streams",
        sa.Column("stream", _KEY, primary_key=True),
        sa.Column("head", sa.BigInteger(), nullable=False, comment="seq of the newest event"),
        comment="One row per stream; its lock orders the stream's writers",
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("stream", _KEY, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("traceparent", sa.Text()),
        sa.Column("occurred_at", _UTC, nullable=False),
        sa.Column("published_at", _UTC),
        sa.UniqueConstraint("stream", "seq"),
        comment="Events to publish, and the log that subscriptions replay",
    )
    op.create_index("outbox_unpublished", "outbox", ["position"], postgresql_where=sa.text("published_at IS NULL"))
    op.create_index("outbox_occurred_at", "outbox", ["occurred_at"])
    op.create_table(
        "inbox",
        sa.Column("consumer", _KEY, primary_key=True),
        sa.Column("event_id", sa.UUID(as_uuid=False), primary_key=True),
        sa.Column("processed_at", _UTC, nullable=False, server_default=sa.func.now()),
        comment="Events whose effect is committed; written in the effect's transaction",
    )
    op.create_index("inbox_processed_at", "inbox", ["processed_at"])
    op.create_table(
        "deadlines",
        sa.Column("kind", _KEY, primary_key=True),
        sa.Column("subject_id", _KEY, primary_key=True),
        sa.Column("due_at", _UTC, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        comment="What must happen at a time unless it is called off",
    )
    op.create_index("deadlines_due_at", "deadlines", ["due_at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("actor_id", _KEY, primary_key=True),
        sa.Column("key", _KEY, primary_key=True),
        sa.Column("mutation", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of the canonical input"),
        sa.Column("result_id", sa.Text(), nullable=False),
        sa.Column("created_at", _UTC, nullable=False, server_default=sa.func.now()),
        comment="Mutations whose effect is committed; written in the effect's transaction",
    )
    op.create_index("idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def add_v2() -> None:
    """Adds streams.redactions."""
    op.add_column(
        "streams",
        sa.Column(
            "redactions",
            sa.BigInteger(),
            nullable=False,
            server_default=sa.text("0"),
            comment="How often events were redacted, so that processes drop what they remember",
        ),
    )


def drop_v2() -> None:
    """Undoes `add_v2`."""
    op.drop_column("streams", "redactions")


def drop_v1() -> None:
    """Undoes `create_v1`."""
    for table in ("idempotency_keys", "deadlines", "inbox", "outbox", "streams"):
        op.drop_table(table)
