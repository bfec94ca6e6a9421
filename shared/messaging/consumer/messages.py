"""What a message of Kafka says."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from aiokafka.structs import ConsumerRecord
from pydantic import ValidationError

from shared.events import Envelope, Event
from shared.faults import describe

REPLAY_FOR = "replay_for"
"""Header of a replayed dead letter: the only consumer that is to handle it."""


class Malformed(Exception):
    """Not a message of this system; no retry can help."""


def envelope_of(record: ConsumerRecord, headers: Mapping[str, bytes], model: type[Event]) -> Envelope[Event]:
    """The event of a message. Raises Malformed."""
    if record.value is None:
        raise Malformed("no body")
    try:
        return Envelope(
            event=model.from_json(record.value),
            id=str(uuid.UUID(header(headers, "ce_id"))),
            seq=int(header(headers, "seq")),
            stream=header(headers, "ce_subject"),
            occurred_at=datetime.fromisoformat(header(headers, "ce_time")),
            traceparent=headers["traceparent"].decode() if "traceparent" in headers else None,
        )
    except ValidationError as error:
        raise Malformed(describe(error)) from error
    except (ValueError, TypeError, OverflowError) as error:
        raise Malformed(f"{type(error).__name__} in headers or body") from error


def header(headers: Mapping[str, bytes], name: str) -> str:
    """A header that must be there, as text. Raises Malformed."""
    value = headers.get(name)
    if not value:
        raise Malformed(f"no header {name}")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"header {name} is not UTF-8") from error
