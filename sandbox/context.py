"""What everything here works with."""

from dataclasses import dataclass
from typing import Literal

from sandbox.state import State

Fault = Literal["answer_lost", "request_lost", "error"]


@dataclass(frozen=True, slots=True)
class Options:
    """How the process was started."""

    public_url: str
    """Where browsers reach it."""
    api_key: str
    webhook_url: str
    """Empty: webhooks wait."""
    webhook_secret: str
    settle_seconds: float
    """After which what is pending comes to its end by itself."""
    silent_seconds: float
    """How long a call whose answer is lost hangs."""


@dataclass(slots=True)
class Sandbox:
    """The provider as a process."""

    state: State
    options: Options
    fault: Fault | None = None
    """What befalls all calls that do something, until it is taken away."""
