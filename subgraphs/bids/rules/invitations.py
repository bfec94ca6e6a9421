"""Invitations of posters to taskers to bid on a task."""

from datetime import datetime
from enum import StrEnum

from shared.errors import DomainError, InvalidTransition, NotAllowed, NotFound, UserErrorCode
from shared.identity.actor import Actor
from subgraphs.bids.rules.bids import OwnTask

MOST_INVITATIONS = 50
"""To bid on one task."""


class Status(StrEnum):
    """Where an invitation stands."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    CLOSED = "CLOSED"


class TooManyInvitations(DomainError):
    code = UserErrorCode.TOO_MANY_INVITATIONS


def status(bid_id: str | None, declined_at: datetime | None, *, takes_bids: bool) -> Status:
    """Where an invitation stands. The task may be posted again, and who declined may bid after all."""
    if bid_id is not None:
        return Status.ACCEPTED
    if declined_at is not None:
        return Status.DECLINED
    return Status.OPEN if takes_bids else Status.CLOSED


def check_inviter(actor: Actor, poster_id: str, tasker_id: str) -> None:
    """Raises NotAllowed unless the task is the actor's, OwnTask for who invites themselves."""
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("taskId",))
    if actor.id == tasker_id:
        raise OwnTask("You cannot bid on your own task.", field=("taskerId",))


def check_tasker(is_tasker: bool) -> None:
    """Raises NotFound for who does not look for work."""
    if not is_tasker:
        raise NotFound("There is no such tasker.", field=("taskerId",))


def check_count(made: int) -> None:
    """Raises TooManyInvitations if enough people are invited."""
    if made >= MOST_INVITATIONS:
        raise TooManyInvitations(
            f"At most {MOST_INVITATIONS} taskers are invited to a task.", field=("taskId",), max=MOST_INVITATIONS
        )


def check_invited(actor: Actor, tasker_id: str) -> None:
    """Raises NotAllowed unless the actor is the one who is invited."""
    if actor.id != tasker_id:
        raise NotAllowed("Only who is invited can do this.", field=("invitationId",))


def check_open(status: Status) -> None:
    """Raises InvalidTransition unless the invitation waits for an answer."""
    if status is not Status.OPEN:
        raise InvalidTransition(f"Not possible while the status is {status}.")


def may_see(viewer_id: str | None, poster_id: str, tasker_id: str) -> bool:
    """Whether a person may know of an invitation: who made it and who got it."""
    return viewer_id is not None and viewer_id in (poster_id, tasker_id)
