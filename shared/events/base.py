"""What every event has: its model, its registry, its place in a stream."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict

DELETED_TEXT = "[deleted]"
"""What stands where an erased person had written something."""
DELETED_NAME = "Deleted user"
"""What an erased person is called."""


class Body(BaseModel):
    """A part of an event's JSON; unknown fields are skipped, so that writers may be newer than readers."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True, slots=True)
class Personal:
    """Marks a field that is personal data: `of` is the field of the same body with the person's id.

    `erased` is what stands in its place in the log once the person's data is erased.
    """

    of: str
    erased: str | None = DELETED_TEXT


class Event(Body, ABC):
    """What happened, in the past tense; a subclass with a `type` is one kind of event."""

    type: ClassVar[str] = ""
    """`<subgraph>.<aggregate>.<what happened>`."""
    topic: ClassVar[str] = ""
    """The Kafka topic, without the configured prefix."""

    @property
    @abstractmethod
    def stream(self) -> str:
        """What the event is numbered in; streams of the same name in two databases are two streams."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        if "type" not in cls.__dict__:
            return
        if _registry.setdefault(cls.type, cls) is not cls:
            raise TypeError(f"two event models for {cls.type}")
        if not cls.type.startswith(f"{cls.topic}."):
            raise TypeError(f"{cls.type} does not belong to topic {cls.topic}")

    @classmethod
    def from_json(cls, body: bytes | str) -> Self:
        """Raises pydantic.ValidationError."""
        return cls.model_validate_json(body)


_registry: dict[str, type[Event]] = {}

REGISTRY: Mapping[str, type[Event]] = MappingProxyType(_registry)
"""Every event model by its type."""

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Envelope(Generic[E_co]):
    """An event with its place in its stream."""

    event: E_co
    id: str
    """UUIDv7; the same at every delivery."""
    seq: int
    """1, 2, 3 … within the stream, without gaps."""
    stream: str
    occurred_at: datetime
    traceparent: str | None = None


class UnknownEventType(LookupError):
    """No model for this type: a newer replica or another version wrote it."""


def parse(type: str, body: bytes | str) -> Event:
    """The event in a JSON body. Raises UnknownEventType or pydantic.ValidationError."""
    model = REGISTRY.get(type)
    if model is None:
        raise UnknownEventType(type)
    return model.from_json(body)
