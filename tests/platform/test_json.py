"""JSON from strangers."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest, TooComplex
from shared.graphql.json import check_text, decode
from tests.support.cpu import LIMIT_SECONDS, cpu_seconds

MEGABYTE = 1_000_000

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text().filter(lambda text: "\x00" not in text),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda text: "\x00" not in text), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text().filter(lambda text: "\x00" not in text), values), st.booleans())
def test_an_object_is_read(value: dict[str, object], ascii_only: bool) -> None:
    assert decode(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_anything_else_is_a_bad_request(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert isinstance(decode(body), dict)


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"a"', b"true", b'[{"query": "{ me }"}]'])
def test_only_an_object_is_a_request(body: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        decode(body)

    assert raised.value.message == "The request must be one JSON object."


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xc0\x80"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": "\x00"}',
        b'{"a": "\n"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(body: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        decode(body)

    assert raised.value.message.startswith("The body is not valid JSON: ")
    assert set(raised.value.extensions) == {"code", "line", "column"}
    assert len(raised.value.message) < 200


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": "\u0000"}',
        rb'{"a": ["b", {"c": "d\u0000"}]}',
        rb'{"\u0000": 1}',
        rb'{"a": {"b": {"c\u0000": null}}}',
        rb'{"a": "\\\u0000"}',
    ],
)
def test_the_nul_character_is_refused_anywhere(body: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        decode(body)

    assert raised.value.message == "A text holds a NUL character or half of a surrogate pair."


def test_what_only_looks_like_the_nul_character_passes() -> None:
    assert decode(rb'{"a": "\\u0000"}') == {"a": "\\u0000"}


@pytest.mark.parametrize("value", ["\x00", "a\ud800", {"\udfff": 1}, [{"a": ["b", "\ud800c"]}]])
def test_texts_are_checked_in_any_value(value: object) -> None:
    with pytest.raises(BadRequest):
        check_text(value)


@pytest.mark.parametrize("value", ["", "é", "😀", None, 1, True, 1.5, [], {}, [{"a": ["b", "ç"]}]])
def test_ordinary_texts_pass(value: object) -> None:
    check_text(value)


def test_the_last_of_two_values_of_one_name_counts() -> None:
    assert decode(b'{"a": 1, "a": 2}') == {"a": 2}


def test_integers_beyond_64_bits_lose_digits_and_no_more() -> None:
    assert decode(b'{"a": 18446744073709551616}') == {"a": 2.0**64}


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_nesting_ends_at_64_levels(bracket: bytes) -> None:
    def nested(levels: int) -> bytes:
        closing = b"]" if bracket == b"[" else b"}"
        return b'{"a":' + bracket * (levels - 1) + (b"1" + closing * (levels - 1) + b"}")

    decode(nested(64))
    for levels in (65, 500, 1_500, 20_000):
        with pytest.raises(BadRequest):
            decode(nested(levels))
    with pytest.raises(TooComplex):
        decode(nested(100_000))


def test_values_end_at_50_000() -> None:
    assert len(decode(b'{"a":[' + b"1," * 49_997 + b"1]}")["a"]) == 49_998  # type: ignore[arg-type]  # a list
    with pytest.raises(TooComplex) as raised:
        decode(b'{"a":[' + b"1," * 49_999 + b"1]}")

    assert raised.value.extensions == {"code": "TOO_COMPLEX", "limit": "JSON values", "maximum": 50_000}


@pytest.mark.timing
@pytest.mark.parametrize(
    "body",
    [
        b"[" * MEGABYTE,
        b'{"a":' * 200_000,
        b'{"a":' * 40_000 + b"1" + b"}" * 40_000,
        b'{"a":[' + b"[]," * 330_000 + b"1]}",
        b'{"a":[' + b"[]," * 24_900 + b"1]}",
        b'{"a":[' + b'{"a":1},' * 24_900 + b"1]}",
        b'{"a":[' + b'"\\u0000",' * 49_000 + b"1]}",
        b'{"a":[' + b'"\\\\u0000",' * 49_000 + b"1]}",
        b'{"a":[' + b'"\\\\u0000\xc3\xa9",' * 49_000 + b"1]}",
        b"{" + b",".join(b'"%d":{}' % i for i in range(24_000)) + b"}",
        b'{"a":"' + b"\\u00e9" * 160_000 + b'"}',
        b'{"a":"' + b"\\u0000" * 160_000 + b'"}',
        b'{"a":"' + b"a" * 999_000 + b'"}',
        b'{"a":"' + b"\xff" * 999_000 + b'"}',
        b'{"a":' + b"1" * 10_000 + b"}",
        b'{"a":' + b"1" * 999_000 + b"}",
        b'{"a":0.' + b"1" * 999_000 + b"}",
        b'{"a":1e' + b"9" * 999_000 + b"}",
        b'{"a":[' + b"1.7976931348623157e308," * 40_000 + b"1]}",
        b" " * MEGABYTE,
        b"\x00" * MEGABYTE,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_no_body_takes_long(body: bytes) -> None:
    def run() -> None:
        try:
            decode(body)
        except (BadRequest, TooComplex):
            return

    assert cpu_seconds(run) < LIMIT_SECONDS
