"""Whom a person may block."""

from shared.errors import NotAllowed


def check_not_oneself(actor_id: str, user_id: str) -> None:
    """Raises NotAllowed for an actor who means themselves."""
    if actor_id == user_id:
        raise NotAllowed("You cannot do this to yourself.", field=("userId",))
