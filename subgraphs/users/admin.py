"""What an operator does with accounts: `python -m subgraphs.users.admin grant EMAIL ROLE`.

SUPPORT and ADMIN are given this way only, by whoever may reach the database. After a restore `erasures --since TIME`
has every subgraph forget once more who was erased since. Reads `EXCHANGE_…` like the
subgraph itself.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from shared.config import Settings
from shared.database.db import Database
from shared.errors import DomainError
from shared.identity.actor import Role
from subgraphs.users import actions, credentials


async def grant(database: Database, email: str, role: Role) -> str:
    """Gives a role to the account of an e-mail address; answers its id. Raises InvalidEmail, NotFound."""
    address = credentials.normalise_email(email)
    async with database.transaction() as session:
        user = await actions.administration.grant_role_by_email(session, address, role)
    return user.id


async def replay_erasures(database: Database, since: datetime) -> Sequence[str]:
    """Has every subgraph forget again who was erased at that time or later; answers their ids."""
    async with database.transaction() as session:
        return await actions.erasure.replay_erasures(session, since)


async def _with_database(work: Callable[[Database], Awaitable[str]]) -> str:
    database = Database(Settings())
    try:
        return await work(database)
    finally:
        await database.close()


async def _grant(options: argparse.Namespace, database: Database) -> str:
    return f"{await grant(database, options.email, options.role)} has the role {options.role}"


async def _erasures(options: argparse.Namespace, database: Database) -> str:
    erased = await replay_erasures(database, options.since)
    return "\n".join([*erased, f"{len(erased)} erased since {options.since.isoformat()}: published again"])


def _time(text: str) -> datetime:
    """A time with its zone. Raises ValueError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("no time zone")
    return time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    granting = commands.add_parser("grant", help="give a role; it counts from the next login or refresh on")
    granting.add_argument("email")
    granting.add_argument("role", type=Role, choices=list(Role), metavar="|".join(Role))
    granting.set_defaults(work=_grant)
    erasures = commands.add_parser("erasures", help="publish again who was erased since a time, after a restore")
    erasures.add_argument("--since", type=_time, required=True, help="such as 2026-11-01T00:00Z")
    erasures.set_defaults(work=_erasures)
    options = parser.parse_args()
    try:
        done = asyncio.run(_with_database(partial(options.work, options)))
    except DomainError as error:
        sys.exit(error.message)
    sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main()
