"""The handlers of a subgraph, by what they are for."""

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncSession

from shared.events import Envelope, Event

M = TypeVar("M", bound=Event)
Handler = Callable[[AsyncSession, Envelope[M]], Awaitable[None]]


class Handlers:
    """A subgraph's reactions, by event type.

    A handler gets the transaction that also remembers the event. It raises for what it cannot do: a
    passing fault (ServiceUnavailable, a lost connection) is tried again until it works, anything else a
    few times and then put among the dead letters.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Event], Handler[Event]] = {}

    def on(self, *models: type[M]) -> Callable[[Handler[M]], Handler[M]]:
        """Registers the decorated function for these events."""

        def register(handler: Handler[M]) -> Handler[M]:
            for model in models:
                if model in self._handlers:
                    raise ValueError(f"{model.type} has a handler already")
                self._handlers[model] = cast("Handler[Event]", handler)
            return handler

        return register

    @property
    def topics(self) -> set[str]:
        return {model.topic for model in self._handlers}

    def by_type(self) -> dict[str, tuple[type[Event], Handler[Event]]]:
        return {model.type: (model, handler) for model, handler in self._handlers.items()}
