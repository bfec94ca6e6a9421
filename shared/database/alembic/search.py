"""The function `grams` as migrations build it, for subgraphs whose texts are searched.

A step that has run somewhere is never edited; a change is a new function here and a new migration in each subgraph.
"""

from alembic import op

UNSPACED_V1 = (
    r"[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
"""A character of the scripts of `shared.text_search.query.UNSPACED`, as PostgreSQL's regular expressions have it."""


def create_grams_v1() -> None:
    """Creates `grams(content, weight)`: every run of three characters of a script without spaces, with its position.

    Of what ends sooner the one or two characters that are left.
    """
    op.execute(f"""
        CREATE FUNCTION grams(content text, weight text) RETURNS tsvector
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
        BEGIN
            IF content !~ '{UNSPACED_V1}' THEN
                RETURN ''::tsvector;
            END IF;
            RETURN (
                SELECT string_agg('''' || gram || ''':' || position || weight, ' ')::tsvector
                FROM (
                    SELECT concat(letter, lead(letter) OVER run, lead(letter, 2) OVER run) AS gram,
                        row_number() OVER () AS position
                    FROM regexp_matches(content, '{UNSPACED_V1}+', 'g') WITH ORDINALITY AS runs(run, number),
                        string_to_table(run[1], NULL) WITH ORDINALITY AS letters(letter, at)
                    WINDOW run AS (PARTITION BY number ORDER BY at)
                ) AS pieces
            );
        END $$
    """)  # noqa: S608 - nothing of it comes from outside


def drop_grams_v1() -> None:
    """Undoes `create_grams_v1`."""
    op.execute("DROP FUNCTION grams(text, text)")
