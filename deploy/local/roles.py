"""Roles that only operators give, first of all to the first admin."""

import sys

from deploy.local import commands, subgraph_server
from deploy.local.layout import REPOSITORY, Instance


async def grant(instance: Instance, email: str, role: str) -> None:
    """Gives somebody a role, which counts from their next login on. Raises StartFailed."""
    await commands.run(
        (sys.executable, "-m", "subgraphs.users.admin", "grant", email, role),
        f"{email} could not be made {role}",
        REPOSITORY,
        subgraph_server.environment(instance, "users"),
    )
