"""Composing the supergraph where something that goes into it has changed."""

import sys

from deploy.local import commands, stamps
from deploy.local.layout import CACHE, REPOSITORY

_SUPERGRAPH = REPOSITORY / "supergraph"
_OUTPUTS = (_SUPERGRAPH / "supergraph.graphql", REPOSITORY / "schema.graphql")


async def compose() -> str:
    """Composes and writes the supergraph and the public schema. Raises StartFailed with the reasons."""
    return await commands.run(
        (sys.executable, "-m", "supergraph.compose"), "The supergraph could not be composed", REPOSITORY
    )


async def compose_if_changed() -> bool:
    """Composes unless neither inputs nor outputs have changed since. Returns whether it did."""
    async with commands.only_one(CACHE / "compose.lock"):
        stamp = CACHE / "composed"
        if stamps.is_current(stamp, _digest()):
            return False
        await compose()
        stamps.set_current(stamp, _digest())
        return True


def _digest() -> str:
    sources = [*REPOSITORY.glob("shared/**/*.py"), *REPOSITORY.glob("subgraphs/**/*.py")]
    return stamps.digest(
        [*sources, _SUPERGRAPH / "composer", _SUPERGRAPH / "supergraph.yaml", _SUPERGRAPH / "compose.py", *_OUTPUTS]
    )
