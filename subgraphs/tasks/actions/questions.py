"""Questions about open tasks, and their answers."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.ids import new_id
from subgraphs.tasks import models, rules, store
from subgraphs.tasks.actions import steps


async def ask_question(session: AsyncSession, actor: Actor, task_id: str, text: str) -> models.Question:
    """Asks the poster of an open task something, for everybody to read. Locks the task's row.

    Raises NotFound, OwnTask, InvalidTransition, InteractionBlocked, InvalidInput, ContactDetailsNotAllowed.
    """
    task = await store.tasks.lock_task(session, task_id)
    if task is None:
        raise NotFound("There is no such task.", field=("taskId",))
    rules.questions.check_asker(actor, task.poster_id, task.published_at)
    rules.questions.check_open(task.status)
    await copies.check_not_blocked(session, models.Block, actor.id, task.poster_id, field=("taskId",))
    text = rules.questions.clean_question(text)
    question = models.Question(
        id=new_id("question"),
        task_id=task.id,
        asker_id=actor.id,
        poster_id=task.poster_id,
        text=text,
        answer=None,
        asked_at=clock.now(),
        answered_at=None,
    )
    session.add(question)
    told = events.TaskQuestionAsked(task=steps.snapshot(task), question=_snapshot(question))
    await steps.tell(session, task, told, actor_id=actor.id)
    return question


async def answer_question(session: AsyncSession, actor: Actor, question_id: str, text: str) -> models.Question:
    """Answers a question about one's own open task, for everybody to read. Locks the task's row and the question's.

    Raises NotFound, NotAllowed, InvalidTransition, InvalidInput, ContactDetailsNotAllowed.
    """
    found = await store.questions.get_question(session, question_id)
    task = await store.tasks.lock_task(session, found.task_id) if found else None
    question = await store.questions.lock_question(session, question_id) if task else None
    if task is None or question is None:
        raise NotFound("There is no such question.", field=("questionId",))
    rules.questions.check_answerer(actor, question.poster_id)
    text = rules.questions.clean_answer(text)
    if question.answer == text:
        return question
    rules.questions.check_open(task.status)
    rules.questions.check_unanswered(question.answer)
    question.answer, question.answered_at = text, clock.now()
    told = events.TaskQuestionAnswered(task=steps.snapshot(task), question=_snapshot(question))
    await steps.tell(session, task, told, actor_id=actor.id)
    return question


def _snapshot(question: models.Question) -> events.QuestionSnapshot:
    return events.QuestionSnapshot(
        id=question.id,
        asker_id=question.asker_id,
        poster_id=question.poster_id,
        text=question.text,
        answer=question.answer,
    )
