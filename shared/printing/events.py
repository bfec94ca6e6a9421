"""Writes docs/events.md from the event models; `--check` fails if the file is not what it would write.

python -m shared.printing.events [--check]
"""

import sys
import types
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from typing import Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from shared.events import REGISTRY, Body, Event
from shared.money import Money

TARGET = Path(__file__).parents[2] / "docs" / "events.md"

_HEAD = """\
# Events

Printed from `shared/events/` by `python -m shared.printing.events`; do not edit.

A subgraph tells what happened by events. Each belongs to one *stream* and has a number `seq` 1, 2, 3 … in
it, without gaps, in the order of the commits. It is written into the subgraph's outbox in the transaction
of what it tells, and published from there to Kafka: at least once, in order per stream, the stream being
the message's key. Consumers remember what they handled, so that a repetition has no second effect;
subscriptions replay a stream from any number on.

A message's body is the JSON below. Its headers are the attributes of CloudEvents 1.0 (`ce_id`, a UUIDv7
that is the same at every delivery; `ce_type`; `ce_source`; `ce_time`; `ce_subject`, the stream;
`ce_specversion`), `seq`, `content-type` and, if the request was traced, `traceparent`.

A change to an event is additive (a new optional field) or a new type. Readers skip fields and types that
they do not know. No event holds an e-mail address, a phone number or other contact data.

What a consumer cannot handle goes to `<topic>.dlq` with headers that say who failed and why
(`dlq_consumer`, `dlq_error_type`, `dlq_error`, `dlq_attempts`, `dlq_at`, `dlq_topic`, `dlq_partition`,
`dlq_offset`); `exchange dlq list|show|replay` deals with it.
"""


def render() -> str:
    """The text of docs/events.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    models = sorted(REGISTRY.values(), key=lambda model: model.topic)
    bodies: dict[str, type[Body]] = {}
    for topic in dict.fromkeys(model.topic for model in models):
        yield f"## {topic}\n"
        for model in (model for model in models if model.topic == topic):
            yield f"### {model.type}\n"
            yield f"{_doc(model)}\n"
            yield f"Stream `{_stream(model)}`.\n"
            yield from _fields(model, bodies)
    yield "## Parts\n"
    yield "What several events carry.\n"
    for name, body in sorted(bodies.items()):
        yield f"### {name}\n"
        yield f"{_doc(body)}\n"
        yield from _fields(body, bodies)
    yield "### Money\n"
    yield 'An amount in the currency\'s smallest unit: `{"minor": 12550, "currency": "EUR"}` is 125.50 €.'


def _doc(model: type[BaseModel]) -> str:
    return cleandoc(model.__doc__ or "")


def _stream(model: type[Event]) -> str:
    """The stream with names in place of ids, by asking an event whose fields are their own names."""
    stream: property = vars(_owner(model, "stream"))["stream"]
    return str(stream.__get__(_Names()))


def _owner(model: type[Event], name: str) -> type:
    return next(base for base in model.__mro__ if name in vars(base))


class _Names:
    """Stands for an event: every field is its path, in braces once printed."""

    def __init__(self, path: str = "") -> None:
        self._path = path

    def __getattr__(self, name: str) -> "_Names":
        return _Names(f"{self._path}.{name}" if self._path else name)

    def __str__(self) -> str:
        return f"<{self._path}>"


def _fields(model: type[Body], bodies: dict[str, type[Body]]) -> Iterator[str]:
    yield "| field | type | |"
    yield "| --- | --- | --- |"
    for name, field in model.model_fields.items():
        yield f"| `{name}` | {_type(field.annotation, bodies)} | {_note(field)} |"
    yield ""


def _note(field: FieldInfo) -> str:
    return field.description or ""


def _type(annotation: object, bodies: dict[str, type[Body]]) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(argument, bodies) for argument in arguments)
    if origin is Literal:
        return ", ".join(f"`{argument}`" for argument in arguments)
    if origin is tuple:
        return f"list of {_type(arguments[0], bodies)}"
    if isinstance(annotation, type) and issubclass(annotation, Body):
        bodies[annotation.__name__] = annotation
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    if annotation is Money:
        return "[Money](#money)"
    names: dict[object, str] = {
        str: "string", int: "integer", bool: "boolean", type(None): "null", AwareDatetime: "time (RFC 3339)"
    }  # fmt: skip
    return names[annotation]


def main() -> int:
    """Writes docs/events.md; with `--check` answers 1 if it is not up to date."""
    text = render()
    if "--check" in sys.argv[1:]:
        if not TARGET.exists() or TARGET.read_text() != text:
            print("docs/events.md is not what shared/events/ says: run python -m shared.printing.events")
            return 1
        return 0
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
