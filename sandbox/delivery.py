"""How webhooks come: as one hopes, or as they do come."""

from dataclasses import dataclass
from itertools import count
from typing import Literal, get_args

Mode = Literal["on-time", "late", "twice", "reordered", "never"]
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Plan:
    """When an event is sent for the first time, in microseconds from now, and how often altogether."""

    delay: int = 0
    copies: int = 1


class Delivery:
    """What happens to events that come up now; those before it keep their plan."""

    def __init__(self, mode: Mode, seconds: float) -> None:
        self._numbers = count()
        self.change(mode, seconds)

    def change(self, mode: Mode, seconds: float) -> None:
        """`seconds` is by how much events are late, all of them or, to be reordered, each second one."""
        self.mode = mode
        self.seconds = seconds

    def plan(self) -> Plan:
        """What is to happen to the next event."""
        late = Plan(delay=int(self.seconds * 1_000_000))
        match self.mode:
            case "late":
                return late
            case "twice":
                return Plan(copies=2)
            case "reordered":
                return Plan() if next(self._numbers) % 2 else late
            case "never":
                return Plan(copies=0)
            case "on-time":
                return Plan()
