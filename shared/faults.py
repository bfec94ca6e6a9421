"""What to make of an exception that a handler raised."""

import traceback

import redis.exceptions
from aiokafka.errors import KafkaError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from shared.database.db import is_unavailable
from shared.errors import DomainError, RequestError, ServiceUnavailable


def is_passing(error: BaseException) -> bool:
    """Whether the same work may well succeed a moment later."""
    passing = ServiceUnavailable | KafkaError | redis.exceptions.ConnectionError | redis.exceptions.TimeoutError
    return isinstance(error, passing) or is_unavailable(error)


def describe(error: BaseException) -> str:
    """What went wrong and where, without the values at hand: those may be personal data."""
    if isinstance(error, ValidationError):
        details = error.errors(include_input=False, include_context=False, include_url=False)
        return "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['type']}" for each in details)
    if isinstance(error, DomainError | RequestError):
        what = f"{type(error).__name__} {error.code}"
    elif isinstance(error, DBAPIError):
        driver = error.orig.__cause__ if error.orig else None
        state, constraint = getattr(driver, "sqlstate", None), getattr(driver, "constraint_name", None)
        what = " ".join(part for part in (type(error).__name__, state, constraint) if part)
    else:
        what = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own = next((frame for frame in reversed(frames) if "site-packages" not in frame.filename), None)
    return f"{what} in {own.name}:{own.lineno}" if own else what


def stack(error: BaseException) -> str:
    """Where an exception passed, for logs; without its message, which may hold personal data."""
    return "".join(traceback.format_tb(error.__traceback__))
