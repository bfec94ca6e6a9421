"""Let saved searches find words of every script"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.database.alembic import search

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    search.create_grams_v1()
    # Descriptions are not kept: what is left of them are the words, which in these scripts are what stands between two
    # spaces.
    op.execute(f"""
        UPDATE tasks SET search = search || grams(title, 'A')
            || grams(array_to_string(tsvector_to_array(ts_filter(search, '{{b}}')), ' '), 'B')
        WHERE search::text ~ '{search.UNSPACED_V1}'
    """)  # noqa: S608 - nothing of it comes from outside
    # What was saved before finds what it found before.
    op.execute("ALTER TABLE saved_searches ALTER COLUMN query DROP EXPRESSION")


def downgrade() -> None:
    op.drop_column("saved_searches", "query")
    words = sa.Computed("websearch_to_tsquery('english'::regconfig, words)", persisted=True)
    op.add_column("saved_searches", sa.Column("query", postgresql.TSQUERY(), words))
    # More than one of the words that a task must have does no harm.
    op.execute(f"""
        UPDATE saved_searches SET keys = tsvector_to_array(to_tsvector('english', words))
        WHERE words ~ '{search.UNSPACED_V1}'
    """)  # noqa: S608 - nothing of it comes from outside
    # Tasks keep what they have more, which no such query looks for.
    search.drop_grams_v1()
