"""Structured logs on stdout: JSON, or readable lines on a developer's terminal.

No personal data gets through: values under telling keys are hidden, e-mail addresses and credentials
are cut out of all text, and of an exception only its place, its type and the first line of its message
are written. The rest of a message is where PostgreSQL quotes the offending row and Pydantic the input.
"""

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from traceback import TracebackException
from types import TracebackType
from typing import TextIO
from uuid import UUID

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.config import Settings
from shared.telemetry.context import current_actor_id, current_request_id
from shared.telemetry.traces import current_span_context

_HIDDEN = "[hidden]"
_HIDDEN_KEYS = frozenset(
    {"address", "args", "bio", "body", "client", "content", "description", "headers", "input", "ip", "message"}
    | {"params", "parameters", "payload", "query", "text", "title", "variables"}
    | {"displayname", "firstname", "fullname", "lastname", "username", "latitude", "longitude", "point"}
)
_HIDDEN_PARTS = re.compile(r"password|passwd|secret|token|authori[sz]ation|cookie|credential|e?mail|phone|apikey")
_CUT_OUT = re.compile(
    r"(?P<email>[\w.+%-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<jwt>\beyJ[\w-]+\.[\w-]+\.[\w-]*)"
    r"|(?P<bearer>(?<=[Bb]earer )\S+)"
    r"|(?P<login>(?<=://)[^/@\s]+(?=@))"
)
# Behind these PostgreSQL quotes the row, and Pydantic the input.
_QUOTES = ("DETAIL:", "input_value=")
_MAX_TEXT = 2_000
_MAX_DEPTH = 5
_MAX_CAUSES = 8

_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def configure_logs(settings: Settings, service_name: str, stream: TextIO | None = None) -> None:
    """Sends structlog and the standard library's logging through one chain to `stream` (stdout)."""
    stream = stream or sys.stdout
    level = logging.getLevelNamesMapping()[settings.log_level]

    def add_service(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        event["service"] = service_name
        return event

    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%fZ", utc=True),
        add_service,
        _add_context,
        structlog.processors.ExceptionRenderer(_exception_text),
        hide_personal_data,
    ]
    readable = settings.environment == "development" and stream.isatty()
    render: Processor = structlog.dev.ConsoleRenderer() if readable else _as_json
    structlog.configure(
        processors=[_add_logger_name, *chain, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda name="": _Logger(stream, name),
        cache_logger_on_first_use=True,
    )

    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _first_line, *chain],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Below WARNING libraries log packets, headers and statements.
    root.setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "alembic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(level, logging.INFO))
    # Its lines hold addresses and query strings.
    logging.getLogger("uvicorn.access").disabled = True
    logging.captureWarnings(True)


class _Logger:
    """Writes finished lines; knows the name that `get_logger` was given."""

    __slots__ = ("_stream", "name")

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self.name = name

    def _write(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    debug = info = warning = error = critical = exception = msg = _write


def _add_logger_name(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    event["logger"] = logger.name
    return event


def _add_context(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    if request_id := current_request_id():
        event["request_id"] = request_id
    if actor_id := current_actor_id():
        event["actor_id"] = actor_id
    if (context := current_span_context()) is not None:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


def _first_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Other people's messages may go on with the repr of a task, an exception, a row."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def hide_personal_data(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """A structlog processor that lets ids, numbers and codes through, and no personal data."""
    return {
        key: _traceback(value) if key == "exception" else value if key[:1] == "_" else _shown(key, value, 0)
        for key, value in event.items()
    }


def _shown(key: str, value: object, depth: int) -> object:
    plain = key.lower().replace("_", "").replace("-", "")
    if plain in _HIDDEN_KEYS or _HIDDEN_PARTS.search(plain):
        return _HIDDEN
    return _plain(value, depth)


def _plain(value: object, depth: int) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.name
        case str():
            return _clean(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case UUID() | Decimal() | PurePath():
            return _clean(str(value))
        case BaseException():
            first_line = str(value).partition("\n")[0]
            return f"{type(value).__name__}: {_clean(first_line)}"
        case Mapping() if depth < _MAX_DEPTH:
            return {str(name): _shown(str(name), item, depth + 1) for name, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _MAX_DEPTH:
            return [_plain(item, depth + 1) for item in value]
    # The repr of a row or an input would tell all of it.
    return f"<{type(value).__name__}>"


def _clean(text: str) -> str:
    if len(text) > _MAX_TEXT:
        text = text[:_MAX_TEXT] + "…"
    for marker in _QUOTES:
        if marker in text:
            text = f"{text.partition(marker)[0]}{marker} {_HIDDEN}"
    if "@" in text or "eyJ" in text or "earer " in text:
        text = _CUT_OUT.sub(_HIDDEN, text)
    return text


def _traceback(value: object) -> object:
    # Its messages were cleaned one by one; cutting the whole would lose the end, which matters most.
    return value if isinstance(value, str) else _plain(value, 0)


def _exception_text(exc_info: _ExceptionInfo) -> str:
    parts: list[str] = []
    exception: TracebackException | None = TracebackException(*exc_info, capture_locals=False, compact=True)
    while exception is not None and len(parts) < _MAX_CAUSES:
        parts.append(_one_exception(exception))
        exception = exception.__cause__ or (None if exception.__suppress_context__ else exception.__context__)
    return "\n\ncaused by\n\n".join(parts)


def _one_exception(exception: TracebackException) -> str:
    # Without its notes, and of its message the first line only: see the module's docstring.
    message = _clean(str(exception).partition("\n")[0])
    lines = [*exception.stack.format(), f"{_type_name(exception)}: {message}"]
    for member in (exception.exceptions or [])[:_MAX_CAUSES]:
        lines.append("\n" + _one_exception(member))
    return "".join(lines)


def _type_name(exception: TracebackException) -> str:
    kind = exception.exc_type
    return f"{kind.__module__}.{kind.__qualname__}" if kind else "Exception"


def _as_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:
        # orjson refuses lone surrogates and integers of more than 64 bits.
        return json.dumps(event, default=lambda value: f"<{type(value).__name__}>")
