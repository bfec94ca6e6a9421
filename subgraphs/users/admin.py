"""What an operator does with accounts: `python -m subgraphs.users.admin grant EMAIL ROLE`.

SUPPORT and ADMIN are given this way only, by whoever may reach the database. Reads `EXCHANGE_…` like the
subgraph itself.
"""

import argparse
import asyncio
import sys

from shared.actor import Role
from shared.config import Settings
from shared.db import Database
from shared.errors import DomainError
from subgraphs.users import actions, credentials


async def grant(database: Database, email: str, role: Role) -> str:
    """Gives a role to the account of an e-mail address; answers its id. Raises InvalidEmail, NotFound."""
    address = credentials.normalise_email(email)
    async with database.transaction() as session:
        user = await actions.administration.grant_role_by_email(session, address, role)
    return user.id


async def _grant(email: str, role: Role) -> str:
    database = Database(Settings())
    try:
        return await grant(database, email, role)
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    granting = commands.add_parser("grant", help="give a role; it counts from the next login or refresh on")
    granting.add_argument("email")
    granting.add_argument("role", type=Role, choices=list(Role), metavar="|".join(Role))
    options = parser.parse_args()
    try:
        user_id = asyncio.run(_grant(options.email, options.role))
    except DomainError as error:
        sys.exit(error.message)
    sys.stdout.write(f"{user_id} has the role {options.role}\n")


if __name__ == "__main__":
    main()
