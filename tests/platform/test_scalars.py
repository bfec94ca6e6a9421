"""Scalars and the types that all subgraphs share."""

import contextlib
import warnings
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLScalarType
from hypothesis import given
from hypothesis import strategies as st
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.config import StrawberryConfig

from shared import geo, money
from shared.errors import DomainError, InvalidAmount, InvalidInput, UserErrorCode
from shared.graphql.scalars import SCALARS, DecimalText, format_datetime, parse_date, parse_datetime
from shared.graphql.types import Money, MoneyInput, PageInfo, Point, PointInput, UserError, register_enum
from shared.money import CurrencyCode


@strawberry.type
class Query:
    @strawberry.field
    def time(self, at: datetime) -> datetime:
        return at

    @strawberry.field
    def money(self, value: MoneyInput) -> Money:
        return Money.of(money.Money.parse(value.amount, value.currency, field=("value", "amount")))

    @strawberry.field
    def place(self, value: PointInput) -> Point:
        return Point.of(value.parse(field=("value",)))

    @strawberry.field
    def user_errors(self) -> list[UserError]:
        return [UserError.of(InvalidInput("Too short.", field=("title",))), UserError.of(InvalidInput("Empty."))]

    @strawberry.field
    def page(self) -> PageInfo | None:
        return None


def build() -> strawberry.federation.Schema:
    return strawberry.federation.Schema(
        query=Query, federation_version="2.9", config=StrawberryConfig(scalar_map=SCALARS)
    )


schema = build()


def test_the_schema_is_built_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build()


def test_every_shared_type_field_and_value_is_described() -> None:
    undescribed = []
    for name in ("CurrencyCode", "DateTime", "Decimal", "Money", "MoneyInput", "PageInfo", "Point", "PointInput",
                 "UserError", "UserErrorCode"):  # fmt: skip
        kind = schema._schema.type_map[name]
        assert isinstance(kind, GraphQLEnumType | GraphQLScalarType | GraphQLObjectType | GraphQLInputObjectType)
        if not kind.description:
            undescribed.append(name)
        if isinstance(kind, GraphQLEnumType):
            undescribed += [f"{name}.{key}" for key, value in kind.values.items() if not value.description]
        elif not isinstance(kind, GraphQLScalarType):
            undescribed += [f"{name}.{key}" for key, value in kind.fields.items() if not value.description]
    assert undescribed == []


def test_output_types_may_come_from_every_subgraph() -> None:
    for name in ("Money", "PageInfo", "Point", "UserError"):
        assert f"type {name} @shareable" in schema.as_str()


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01t09:30:00z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00+02:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        ("2026-03-01T00:30:00+14:00", datetime(2026, 2, 28, 10, 30, tzinfo=UTC)),
        ("2026-03-01T09:30:00-00:30", datetime(2026, 3, 1, 10, 0, tzinfo=UTC)),
        ("2026-03-01T09:30:00.5Z", datetime(2026, 3, 1, 9, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-03-01T09:30:00.123456789Z", datetime(2026, 3, 1, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_utc(text: str, time: datetime) -> None:
    assert parse_datetime(text) == time
    assert parse_datetime(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2026-03-01",
        "2026-03-01T09:30:00",
        "2026-03-01T09:30Z",
        "2026-03-01 09:30:00Z",
        "20260301T093000Z",
        "2026-W09-7T09:30:00Z",
        "2026-03-01T09:30:00,5Z",
        "2026-03-01T09:30:00.Z",
        "2026-03-01T09:30:00.1234567890Z",
        "2026-03-01T09:30:00+0200",
        "2026-03-01T09:30:00+24:00",
        "2026-02-29T09:30:00Z",
        "2026-13-01T09:30:00Z",
        "2026-03-01T25:30:00Z",
        "2026-03-01T09:30:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1899-12-31T23:59:59Z",
        "3000-01-01T00:00:00Z",
        "\u0662026-03-01T09:30:00Z",
        " 2026-03-01T09:30:00Z",
        "2026-03-01T09:30:00Z\n",
        "9" * 1_000_000,
        1_772_357_400,
        None,
        True,
    ],
)
def test_what_is_not_a_time_with_offset_is_refused(value: object) -> None:
    with pytest.raises(StrawberryInputCoercionError) as refusal:
        parse_datetime(value)

    assert len(refusal.value.message) < 200


@given(
    st.datetimes(
        min_value=datetime(1900, 1, 2),  # noqa: DTZ001 - Hypothesis adds the zone
        max_value=datetime(2999, 12, 30),  # noqa: DTZ001
        timezones=st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1439, 1439)),
    )
)
def test_a_time_is_answered_in_utc_with_milliseconds(time: datetime) -> None:
    text = format_datetime(time)

    assert len(text) == len("2026-03-01T09:30:00.000Z")
    assert text.endswith("Z")
    assert timedelta(0) <= time - parse_datetime(text) < timedelta(milliseconds=1)


def test_a_day_is_read_in_one_form_only() -> None:
    assert parse_date("2028-02-29") == date(2028, 2, 29)
    for value in ("2027-02-29", "20280229", "2028-W09-2", "2028-2-29", "2028-02-29T00:00:00Z", "1899-12-31",
                  "3000-01-01", "٢٠٢٨-٠٢-٢٩", "", "2" * 100_000, 20280229, None):  # fmt: skip
        with pytest.raises(StrawberryInputCoercionError):
            parse_date(value)


def test_a_time_without_zone_is_never_answered() -> None:
    with pytest.raises(ValueError, match="without zone"):
        format_datetime(datetime(2026, 3, 1))  # noqa: DTZ001 - what is tested


@given(st.text())
def test_no_text_makes_reading_a_time_fail_otherwise(text: str) -> None:
    with contextlib.suppress(StrawberryInputCoercionError):
        parse_datetime(text)


def test_scalars_pass_through_the_schema() -> None:
    answer = schema.execute_sync(
        """query ($at: DateTime!, $money: MoneyInput!) {
          time(at: $at)
          literal: time(at: "2026-03-01T09:30:00+02:00")
          money(value: $money) { amount currency }
          place(value: {latitude: 13.75, longitude: 100.5}) { latitude longitude }
          userErrors { code message field }
        }""",
        variable_values={
            "at": "2026-03-01T09:30:00.123456Z",
            "money": {"amount": "125.5", "currency": "THB"},
        },
    )

    assert answer.errors is None
    assert answer.data == {
        "time": "2026-03-01T09:30:00.123Z",
        "literal": "2026-03-01T07:30:00.000Z",
        "money": {"amount": "125.50", "currency": "THB"},
        "place": {"latitude": 13.75, "longitude": 100.5},
        "userErrors": [
            {"code": "INVALID_INPUT", "message": "Too short.", "field": ["title"]},
            {"code": "INVALID_INPUT", "message": "Empty.", "field": None},
        ],
    }


@pytest.mark.parametrize("literal", ["125.5", "125", "true", "null", "EUR"])
def test_a_decimal_is_a_string(literal: str) -> None:
    answer = schema.execute_sync(f"{{ money(value: {{amount: {literal}, currency: EUR}}) {{ amount }} }}")

    assert answer.data is None
    assert answer.errors is not None


def test_an_amount_is_read_in_minor_units() -> None:
    value = MoneyInput(amount=DecimalText("125.5"), currency=CurrencyCode.EUR)

    assert money.Money.parse(value.amount, value.currency, field=("budget", "amount")) == money.Money(
        12_550, CurrencyCode.EUR
    )


def test_a_mistyped_amount_names_its_field() -> None:
    with pytest.raises(InvalidAmount) as refusal:
        money.Money.parse("1e9", CurrencyCode.EUR, field=("input", "budget", "amount"))

    assert refusal.value.field == ("input", "budget", "amount")


@pytest.mark.parametrize(
    ("latitude", "longitude", "wrong"),
    [
        (90.1, 0, {"latitude"}),
        (-90.1, 0, {"latitude"}),
        (0, 180.1, {"longitude"}),
        (0, -180.1, {"longitude"}),
        (float("nan"), 0, {"latitude"}),
        (0, float("inf"), {"longitude"}),
        (-91, 181, {"latitude", "longitude"}),
    ],
)
def test_a_place_off_the_globe_is_refused_for_each_wrong_number(
    latitude: float, longitude: float, wrong: set[str]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        PointInput(latitude=latitude, longitude=longitude).parse(field=("location",))

    expected = {("location", "latitude"): (-90, 90), ("location", "longitude"): (-180, 180)}
    assert {each.field: (each.min, each.max) for each in refusal.value.reasons} == {
        field: bounds for field, bounds in expected.items() if field[-1] in wrong
    }
    with pytest.raises(ValueError, match="out of range"):
        geo.Point(latitude, longitude)


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 180), (-90, -180), (0, 0)])
def test_the_edges_of_the_globe_are_places(latitude: float, longitude: float) -> None:
    assert PointInput(latitude=latitude, longitude=longitude).parse(field=()) == geo.Point(latitude, longitude)


def test_an_enum_value_without_description_is_refused() -> None:
    class Colour(StrEnum):
        RED = "RED"
        BLUE = "BLUE"

    with pytest.raises(ValueError, match="BLUE"):
        register_enum(Colour, description="A colour.", values={Colour.RED: "Red."})


def test_a_user_error_keeps_the_code_of_its_class() -> None:
    class TooLow(DomainError):
        code = UserErrorCode.BID_TOO_LOW

    assert UserError.of(TooLow("Too low.", field=("amount",))) == UserError(
        code=UserErrorCode.BID_TOO_LOW, message="Too low.", field=["amount"]
    )
