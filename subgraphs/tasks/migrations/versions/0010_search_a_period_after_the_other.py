"""Search by words and filters in one index, a period of publication after the other"""

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None

_TERMS = "terms_of_task(search, published_at, status, category_id, mode, currency, budget_minor)"
# Open tasks are the most that are searched, and are open for 30 days. Of the others there are years.
_PERIOD = "floor(extract(epoch FROM moment) / CASE status WHEN 'OPEN' THEN 43200 ELSE 691200 END)::integer"


def upgrade() -> None:
    op.execute(f"""
        CREATE FUNCTION period_of_task(moment timestamptz, status text) RETURNS integer
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT {_PERIOD} $$
    """)
    # Calls no function of ours, since who restores a dump has no schema to look for it in. Nobody searches for a word
    # that is too long to be a lexeme with what stands before it.
    op.execute(f"""
        CREATE FUNCTION terms_of_task(
            search tsvector, moment timestamptz, status text, category_id text, mode text, currency text, budget bigint
        ) RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        DECLARE
            prefix text := to_hex({_PERIOD}) || status || ' ';
            size text := least(length(budget::text), 10);
            step text := size || '-' || left(budget::text, 1);
        BEGIN
            RETURN array_to_tsvector(ARRAY(
                SELECT prefix || term
                FROM unnest(tsvector_to_array(search) || ARRAY[
                    '.', category_id, mode,
                    currency || size, currency || step, mode || currency || size, mode || currency || step
                ]) AS terms(term)
                WHERE octet_length(term) <= 2000
            ));
        END $$
    """)  # noqa: S608 - nothing of it comes from outside
    # Nothing but words that are left out of English texts finds nothing, whatever the filters. The text of a query has
    # each lexeme in quotation marks, and those in it twice.
    op.execute(r"""
        CREATE FUNCTION terms_of_period(words tsquery, filters tsquery, period integer, status text) RETURNS tsquery
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        BEGIN
            IF numnode(words) = 0 THEN
                RETURN words;
            END IF;
            RETURN regexp_replace(
                (words && filters)::text, '''((?:[^'']|'''')+)''', '''' || to_hex(period) || status || ' \1''', 'g'
            )::tsquery;
        END $$
    """)
    # What is new would wait in a list beside the index, which a search would read once for each period.
    op.execute(f"CREATE INDEX tasks_by_terms ON tasks USING gin ({_TERMS}) WITH (fastupdate = off)")


def downgrade() -> None:
    op.drop_index("tasks_by_terms", "tasks")
    op.execute("DROP FUNCTION terms_of_task(tsvector, timestamptz, text, text, text, text, bigint)")
    op.execute("DROP FUNCTION terms_of_period(tsquery, tsquery, integer, text), period_of_task(timestamptz, text)")
