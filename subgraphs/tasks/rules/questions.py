"""Questions about open tasks, which everybody can read."""

from datetime import datetime

from shared.errors import DomainError, InvalidTransition, NotAllowed, NotFound, UserErrorCode
from shared.graphql.text import clean
from shared.identity.actor import Actor
from subgraphs.tasks.rules import contact_details, tasks
from subgraphs.tasks.rules.tasks import Status

QUESTION_LENGTH = (5, 1_000)
ANSWER_LENGTH = (1, 2_000)


class OwnTask(DomainError):
    code = UserErrorCode.OWN_TASK


def check_asker(actor: Actor, poster_id: str, published_at: datetime | None) -> None:
    """Raises NotFound for a task that the actor may not see, OwnTask for one of theirs."""
    if not tasks.may_see(actor.id, poster_id, published_at):
        raise NotFound("There is no such task.", field=("taskId",))
    if actor.id == poster_id:
        raise OwnTask("Others ask about your task; you answer.", field=("taskId",))


def check_answerer(actor: Actor, poster_id: str) -> None:
    """Raises NotAllowed unless the actor was asked."""
    if actor.id != poster_id:
        raise NotAllowed("Only the poster of the task can do this.", field=("questionId",))


def check_open(status: Status) -> None:
    """Raises InvalidTransition unless the task takes bids."""
    if status is not Status.OPEN:
        raise InvalidTransition(f"Not possible while the status is {status}.")


def check_unanswered(answer: str | None) -> None:
    """Raises InvalidTransition for a question that has its answer."""
    if answer is not None:
        raise InvalidTransition("The question is answered already.")


def clean_question(text: str) -> str:
    """5 to 1,000 characters. Raises InvalidInput, ContactDetailsNotAllowed."""
    return _clean(text, *QUESTION_LENGTH)


def clean_answer(text: str) -> str:
    """1 to 2,000 characters. Raises InvalidInput, ContactDetailsNotAllowed."""
    return _clean(text, *ANSWER_LENGTH)


def _clean(text: str, least: int, most: int) -> str:
    cleaned = clean(text, field=("text",), min_length=least, max_length=most, multiline=True)
    contact_details.check_none(cleaned, field=("text",))
    return cleaned
