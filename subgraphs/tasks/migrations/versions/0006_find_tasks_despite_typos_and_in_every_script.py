"""Find tasks despite typos, in every script, and by two filters from one index"""

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None

_ENGLISH = "setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', description), 'B')"
_UNSPACED = (
    r"[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
# A word in a title, in a script with spaces between words.
_WORDS = "regexp_matches(lower(title), '[[:alpha:]]{4,40}', 'g')"


def upgrade() -> None:
    # Both are trusted: the owner of a database may create them.
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    # Every run of three characters, and the shorter ones at the end, with their positions.
    op.execute(f"""
        CREATE FUNCTION grams(content text, weight text) RETURNS tsvector
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT CASE WHEN content ~ '{_UNSPACED}' THEN (
                SELECT string_agg('''' || gram || ''':' || position || weight, ' ')::tsvector
                FROM (
                    SELECT concat(letter, lead(letter) OVER run, lead(letter, 2) OVER run) AS gram,
                        row_number() OVER () AS position
                    FROM regexp_matches(content, '{_UNSPACED}+', 'g') WITH ORDINALITY AS runs(run, number),
                        string_to_table(run[1], NULL) WITH ORDINALITY AS letters(letter, at)
                    WINDOW run AS (PARTITION BY number ORDER BY at)
                ) AS pieces
            ) ELSE ''::tsvector END
        $$
    """)  # noqa: S608 - nothing of it comes from outside
    _replace_search(f"{_ENGLISH} || grams(title, 'A') || grams(description, 'B')")
    op.create_index("tasks_by_search", "tasks", ["search", "category_id", "status"], postgresql_using="gin")
    # What common words are is what tells a walk through the newest tasks from one through the index.
    op.execute("ALTER TABLE tasks ALTER COLUMN search SET STATISTICS 500")
    op.create_table("words", sa.Column("word", sa.Text(collation="C"), nullable=False), sa.PrimaryKeyConstraint("word"))
    op.create_index(
        "words_by_similarity", "words", ["word"], postgresql_using="gist", postgresql_ops={"word": "gist_trgm_ops"}
    )
    op.execute(f"""
        INSERT INTO words SELECT DISTINCT part[1] FROM tasks, {_WORDS} AS words_of(part)
        WHERE published_at IS NOT NULL AND part[1] !~ '{_UNSPACED}'
    """)  # noqa: S608 - nothing of it comes from outside
    # In the order of the key, so that two transactions do not wait for each other crosswise.
    op.execute(f"""
        CREATE FUNCTION learn_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO words SELECT DISTINCT part[1] FROM added, {_WORDS} AS words_of(part)
            WHERE published_at IS NOT NULL AND part[1] !~ '{_UNSPACED}'
            ORDER BY 1 ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
    """)  # noqa: S608 - nothing of it comes from outside
    # Titles change seldom, and all else of a task often. A word that no task has any more goes with the last title that
    # had it: it may be somebody's name.
    op.execute(f"""
        CREATE FUNCTION relearn_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT EXISTS (
                SELECT FROM added JOIN removed USING (id)
                WHERE added.title <> removed.title OR removed.published_at IS NULL AND added.published_at IS NOT NULL
            ) THEN
                RETURN NULL;
            END IF;
            INSERT INTO words SELECT DISTINCT part[1] FROM added, {_WORDS} AS words_of(part)
            WHERE published_at IS NOT NULL AND part[1] !~ '{_UNSPACED}'
            ORDER BY 1 ON CONFLICT DO NOTHING;
            DELETE FROM words USING (
                SELECT DISTINCT part[1] AS word FROM removed JOIN added USING (id),
                    regexp_matches(lower(removed.title), '[[:alpha:]]{{4,40}}', 'g') AS words_of(part)
                WHERE added.title <> removed.title AND removed.published_at IS NOT NULL
            ) AS gone
            WHERE words.word = gone.word AND NOT EXISTS (
                SELECT FROM tasks
                WHERE search @@ phraseto_tsquery('english', gone.word) AND published_at IS NOT NULL
            );
            RETURN NULL;
        END $$
    """)  # noqa: S608 - nothing of it comes from outside
    op.execute("""
        CREATE TRIGGER tasks_learn_words_on_insert AFTER INSERT ON tasks
        REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION learn_words()
    """)
    op.execute("""
        CREATE TRIGGER tasks_learn_words_on_update AFTER UPDATE ON tasks
        REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION relearn_words()
    """)


def downgrade() -> None:
    for operation in ("insert", "update"):
        op.execute(f"DROP TRIGGER tasks_learn_words_on_{operation} ON tasks")
    op.execute("DROP FUNCTION learn_words(), relearn_words()")
    op.drop_table("words")
    _replace_search(_ENGLISH)
    op.create_index("tasks_by_search", "tasks", ["search"], postgresql_using="gin")
    op.execute("DROP FUNCTION grams(text, text)")


def _replace_search(expression: str) -> None:
    """PostgreSQL 15 cannot change what a column is computed by; its index goes with it."""
    op.drop_column("tasks", "search")
    op.execute(f"ALTER TABLE tasks ADD COLUMN search tsvector GENERATED ALWAYS AS ({expression}) STORED")
