"""What is read of what people write into a search."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.text_search.query import GRAM, MOST_TERMS, UNSPACED, Query, Term, parse

FIELD = ("words",)


@pytest.mark.parametrize(
    ("words", "alternatives"),
    [
        ("Paint the Fence", (("paint", "the", "fence"),)),
        ("paint or fence OR roof", (("paint",), ("fence",), ("roof",))),
        ("or paint or or fence or", (("paint",), ("fence",))),
        ("", ()),
        ('& | "" - "---" 🎉 or', ()),
    ],
)
def test_alternatives_are_of_words(words: str, alternatives: tuple[tuple[str, ...], ...]) -> None:
    expected = Query(tuple(tuple(Term(word) for word in each) for each in alternatives))

    assert parse(words, field=FIELD) == expected


@pytest.mark.parametrize(
    ("words", "term"),
    [
        ('"Paint the fence"', Term("paint the fence", is_phrase=True)),
        ('"paint the', Term("paint the", is_phrase=True)),
        ("-fence", Term("fence", is_negated=True)),
        ('-"the fence"', Term("the fence", is_phrase=True, is_negated=True)),
        ("-or", Term("or", is_negated=True)),
        ("รั้ว", Term("", ("รั้", "ั้ว"))),
        ("ซ่อมแอร์", Term("", ("ซ่อ", "อมแ", "แอร", "อร์"))),
        ("แอร์", Term("", ("แอร", "อร์"))),
        ("-ก", Term("", ("ก",), is_negated=True)),
        ("空调", Term("", ("空调",))),
        ('"塀 ペンキ"', Term("", ("塀", "ペンキ"), is_phrase=True)),
        ("ล้างAir", Term("air", ("ล้า", "้าง"))),
    ],
)
def test_terms_are_read(words: str, term: Term) -> None:
    assert parse(words, field=FIELD) == Query(((term,),))


def test_more_terms_than_can_be_ranked_are_refused() -> None:
    assert parse("รั้ว " * MOST_TERMS, field=FIELD).alternatives

    with pytest.raises(InvalidInput) as refused:
        parse("x or " * (MOST_TERMS + 1), field=FIELD)
    assert refused.value.field == FIELD


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_can_be_read(words: str) -> None:
    try:
        query = parse(words, field=FIELD)
    except InvalidInput:
        return
    for terms in query.alternatives:
        assert terms
        for term in terms:
            assert term.text or term.grams


@given(st.text(st.sampled_from("กาaあ空 "), max_size=40))
def test_a_word_is_found_by_runs_that_a_text_with_it_has(word: str) -> None:
    runs = re.findall(f"[{UNSPACED}]+", word)
    pieces = {run[start : start + GRAM] for run in runs for start in range(len(run))}

    grams = [gram for terms in parse(word, field=FIELD).alternatives for term in terms for gram in term.grams]

    assert set(grams) <= pieces
    assert set("".join(grams)) == set("".join(runs))
