"""Asking about tasks in public, and answering."""

from typing import Self

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.ids import QuestionId, TaskId
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from subgraphs.tasks import actions, models, store
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.question import TaskQuestion

QUOTAS = [
    Quota("questions", "questions_per_address"),
    Quota("questions account", "questions_per_account", by_actor),
]


@strawberry.input(description="What to ask.")
class AskQuestionInput:
    task_id: TaskId = strawberry.field(description="An open task of somebody else.")
    text: str = strawberry.field(
        description="5 to 1,000 characters for everybody to read; `CONTACT_DETAILS_NOT_ALLOWED` for addresses, numbers "
        "and links."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="What to answer.")
class AnswerQuestionInput:
    question_id: QuestionId = strawberry.field(description="A question about one's own open task.")
    text: str = strawberry.field(
        description="1 to 2,000 characters for everybody to read; `CONTACT_DETAILS_NOT_ALLOWED` for addresses, numbers "
        "and links."
    )


@strawberry.type(description="The outcome of asking or answering in public.")
class QuestionPayload:
    question: TaskQuestion | None = strawberry.field(
        default=None, description="The question after it; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Question) -> Self:
        return cls(question=TaskQuestion.of(row))


@strawberry.type(description="The outcome of `askQuestion`.")
class AskQuestionPayload(QuestionPayload): ...


@strawberry.type(description="The outcome of `answerQuestion`.")
class AnswerQuestionPayload(QuestionPayload): ...


@strawberry.type
class AskingMutation:
    @mutation(description="Asks the poster of an open task something, for everybody to read.", quotas=QUOTAS)
    async def ask_question(self, info: Info, input: AskQuestionInput) -> AskQuestionPayload:
        ask = actions.questions.ask_question
        row = await act_once(info, input, store.questions.get_question, ask, input.task_id, input.text)
        return AskQuestionPayload.of(row)

    @mutation(description="Answers a question about one's own open task, for everybody to read. Once.")
    async def answer_question(self, info: Info, input: AnswerQuestionInput) -> AnswerQuestionPayload:
        row = await act(info, actions.questions.answer_question, input.question_id, input.text)
        return AnswerQuestionPayload.of(row)
