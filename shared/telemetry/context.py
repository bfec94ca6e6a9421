"""Who and what the running code works for; each request's task carries its own."""

from contextvars import ContextVar

_request_id: ContextVar[str] = ContextVar("request_id", default="")
_actor_id: ContextVar[str] = ContextVar("actor_id", default="")


def current_request_id() -> str:
    """The id of the request under way, empty outside of one."""
    return _request_id.get()


def current_actor_id() -> str:
    """The id of the person whom the running code works for, empty for nobody."""
    return _actor_id.get()


def bind_request(request_id: str) -> None:
    """Names the request in the logs of this task and of those that it starts; nobody is behind it yet."""
    _request_id.set(request_id)
    _actor_id.set("")


def bind_actor(actor_id: str) -> None:
    """Names the actor in the logs of this task and of those that it starts."""
    _actor_id.set(actor_id)
