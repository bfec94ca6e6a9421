"""Columns that every subgraph's tables are made of.

Times are `timestamptz`; ids and other keys are text in collation "C", which compares bytes; statuses are
text whose values the enum checks on the way in and out.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field


class _Texts(ARRAY[str]):
    """An array of texts as the driver hands it out: as a list, which SQLAlchemy's own would copy element by element."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:  # type: ignore[override]  # means "no need"
        return None


# SQLModel's Field is typed for type classes, but takes configured types as well.
_KEY: Any = Text(collation="C")
_UTC: Any = DateTime(timezone=True)
_TEXT: Any = Text()
_BIGINT: Any = BigInteger()


def key_field(*, primary_key: bool = False, index: bool = False, unique: bool = False) -> Any:
    """An id or another exact key."""
    return Field(sa_type=_KEY, primary_key=primary_key, index=index, unique=unique)


def text_field() -> Any:
    """Text that people write."""
    return Field(sa_type=_TEXT)


def texts_field(*, may_be_left_out: bool = False) -> Any:
    """A list of texts that people write. `may_be_left_out`: it is empty then."""
    return _list_field(_Texts(Text()), may_be_left_out)


def keys_field(*, may_be_left_out: bool = False) -> Any:
    """A list of keys. `may_be_left_out`: it is empty then."""
    return _list_field(_Texts(_KEY), may_be_left_out)


def _list_field(column_type: Any, may_be_left_out: bool) -> Any:
    if not may_be_left_out:
        return Field(sa_type=column_type)
    return Field(default_factory=list, sa_type=column_type, sa_column_kwargs={"server_default": text("'{}'")})


def time_field(*, index: bool = False) -> Any:
    """An aware UTC time."""
    return Field(sa_type=_UTC, index=index)


def bigint_field() -> Any:
    """A whole number of 64 bits, such as an amount in minor units."""
    return Field(sa_type=_BIGINT)


def enum_field(enum: type[StrEnum], *, primary_key: bool = False) -> Any:
    """A value of a closed set, stored as text: a new value needs no change of the table."""
    column_type: Any = EnumText(enum)
    return Field(sa_type=column_type, primary_key=primary_key)


class EnumText(TypeDecorator[StrEnum]):
    """Text that is a value of `enum`."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:
        return None if value is None else self.enum(value)
