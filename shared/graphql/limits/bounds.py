"""How much an operation may ask for."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest allowed value of each measure of an operation."""

    length: int = 30_000
    tokens: int = 1_000
    nesting: int = 64
    depth: int = 12
    introspection_depth: int = 20
    aliases: int = 30
    directives: int = 50
    root_fields: int = 50
    cost: int = 5_000
    representations: int = 1_000


DEFAULT_LIMITS: Final = Limits()
