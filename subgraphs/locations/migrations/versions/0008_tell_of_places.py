"""Tell of the places that there are"""

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("INSERT INTO streams (stream, head) SELECT 'place:' || id, 1 FROM places")
    op.execute(
        """
        INSERT INTO outbox (stream, seq, event_id, type, topic, body, occurred_at)
        SELECT 'place:' || id, 1, gen_random_uuid(), 'locations.place.created', 'locations.place',
               jsonb_build_object('place_id', id, 'owner_id', owner_id), now()
        FROM places
        ORDER BY id
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE topic = 'locations.place'")
    op.execute("DELETE FROM streams WHERE stream LIKE 'place:%'")
