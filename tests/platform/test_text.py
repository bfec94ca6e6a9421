"""Texts that people write."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.graphql.text import clean
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds

FIELD = ("input", "title")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Assemble a shelf", "Assemble a shelf"),
        ("  trimmed \t\n", "trimmed"),
        ("\u00a0\u3000trimmed\u2003", "trimmed"),
        ("Cafe\u0301", "Café"),
        ("\u1112\u1161\u11ab", "한"),
        ("ไม้", "ไม้"),
        ("👩‍👧", "👩‍👧"),
        ("العربية", "العربية"),
        ("", ""),
    ],
)
def test_a_text_is_trimmed_and_composed(value: str, expected: str) -> None:
    assert clean(value, field=FIELD, max_length=20) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("one\ntwo\tthree", "one\ntwo\tthree"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("one\u2028two\u2029three\u0085four", "one\ntwo\nthree\nfour"),
        ("\r\n one \r\n", "one"),
    ],
)
def test_several_lines_have_one_kind_of_line_break(value: str, expected: str) -> None:
    assert clean(value, field=FIELD, max_length=40, multiline=True) == expected
    if "\n" in expected:
        with pytest.raises(InvalidInput):
            clean(value, field=FIELD, max_length=40)


@pytest.mark.parametrize("multiline", [True, False])
@pytest.mark.parametrize(
    "character",
    [
        "\x00", "\x07", "\x0b", "\x1b", "\x7f", "\x80", "\x9f", "\ud800", "\ufffe", "\uffff",
        "\u202a", "\u202b", "\u202c", "\u202d", "\u202e",
    ],
)  # fmt: skip
def test_other_control_characters_are_refused(character: str, multiline: bool) -> None:
    with pytest.raises(InvalidInput) as refusal:
        clean(f"a{character}b", field=FIELD, max_length=20, multiline=multiline)

    assert refusal.value.field == FIELD
    assert refusal.value.message == "The text holds a character that is not allowed here."


@pytest.mark.parametrize(
    "value",
    ["\u2068\u05e9\u05dc\u05d5\u05dd\u2069", "a \u2066b \u2067c\u2069\u2069", "مرحبا\u200f \u200e24/7", "\u061cא"],
)
def test_a_direction_that_is_changed_back_passes(value: str) -> None:
    assert clean(value, field=FIELD, max_length=20) == value


@pytest.mark.parametrize("value", ["a\u2067b", "a\u2069b", "\u2069\u2066", "\u2066\u2067a\u2069", "\u2066a\nb\u2069"])
def test_a_direction_that_is_left_changed_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="writing direction"):
        clean(value, field=FIELD, max_length=20, multiline=True)


def test_the_length_is_counted_in_code_points_after_cleaning() -> None:
    def cleaned(value: str) -> str:
        return clean(value, field=FIELD, min_length=3, max_length=5)

    assert cleaned("abc") == "abc"
    assert cleaned("  abcde  ") == "abcde"
    assert cleaned("e\u0301" * 5) == "é" * 5
    assert cleaned("\u1112\u1161\u11ab" * 5) == "한" * 5
    assert cleaned("😀" * 5) == "😀" * 5
    for value, message in [
        ("ab", "At least 3 characters, please."),
        (" a ", "At least 3 characters, please."),
        ("abcdef", "At most 5 characters, please."),
        ("a" * 1_000_000, "At most 5 characters, please."),
        (" " * 1_000_000, "At most 5 characters, please."),
    ]:
        with pytest.raises(InvalidInput) as refusal:
            cleaned(value)
        assert (refusal.value.message, refusal.value.field) == (message, FIELD)


@pytest.mark.parametrize("value", ["", " ", "\u200b", "\u200b\u2060\ufeff", "\u00ad", "\u2003"])
def test_what_shows_nothing_is_empty(value: str) -> None:
    with pytest.raises(InvalidInput, match="must not be empty"):
        clean(value, field=FIELD, min_length=1, max_length=20)


@given(st.text(alphabet=st.characters(categories=None)), st.booleans())
def test_what_passes_can_be_stored_and_is_clean(value: str, multiline: bool) -> None:
    try:
        text = clean(value, field=FIELD, max_length=50, multiline=multiline)
    except InvalidInput:
        return
    text.encode()
    assert len(text) <= 50
    assert unicodedata.is_normalized("NFC", text)
    assert {character for character in text if unicodedata.category(character) == "Cc"} <= set("\t\n")
    assert clean(text, field=FIELD, max_length=50, multiline=multiline) == text


@pytest.mark.timing
@pytest.mark.parametrize(
    "value",
    [
        "a" + "\u0301" * 10_000 + "\u0323" * 10_000,
        "a" + "\u0301\u0323" * 10_000,
        ("a" + "\u0301" * 15 + "\u0323" * 15) * 600,
        "\u1112\u1161\u11ab" * 6_000,
        "\u200b" * 20_000,
        "\n" * 20_000,
        "\x00" * 20_000,
        "é" * 1_000_000,
    ],
    ids=lambda value: ascii(value[:4]),
)
def test_no_text_takes_long(value: str) -> None:
    def run() -> None:
        try:
            clean(value, field=FIELD, min_length=1, max_length=5_000, multiline=True)
        except InvalidInput:
            return

    assert cpu_seconds(run) < LIMIT_SECONDS


def test_a_pile_of_accents_is_refused() -> None:
    with pytest.raises(InvalidInput, match="accents"):
        clean("a" + "\u0301" * 31, field=FIELD, max_length=100)
    clean("a" + "\u0301" * 30, field=FIELD, max_length=100)
