"""Asking about tasks in public, and answering."""

from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from shared.idempotency import idempotent
from shared.ids import check_id
from subgraphs.tasks import actions, models, store
from subgraphs.tasks.schema.info import Info
from subgraphs.tasks.schema.question import TaskQuestion

QUOTAS = [
    Quota("questions", "questions_per_address"),
    Quota("questions account", "questions_per_account", by_actor),
]


@strawberry.input(description="What to ask.")
class AskQuestionInput:
    task_id: ID = strawberry.field(description="An open task of somebody else.")
    text: str = strawberry.field(
        description="5 to 1,000 characters for everybody to read; `CONTACT_DETAILS_NOT_ALLOWED` for addresses, numbers "
        "and links."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="Sent again with the same key within 24 hours, the input has one effect."
    )


@strawberry.input(description="What to answer.")
class AnswerQuestionInput:
    question_id: ID = strawberry.field(description="A question about one's own open task.")
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
        actor = info.context.require_actor()
        task_id = check_id(input.task_id, "task")
        async with info.context.transaction() as session:
            row = await idempotent(
                session,
                actor.id,
                input.idempotency_key,
                "askQuestion",
                input,
                run=lambda: actions.questions.ask_question(session, actor, task_id, input.text),
                replay=lambda question_id: store.questions.get_question(session, question_id),
            )
        return AskQuestionPayload.of(row)

    @mutation(description="Answers a question about one's own open task, for everybody to read. Once.")
    async def answer_question(self, info: Info, input: AnswerQuestionInput) -> AnswerQuestionPayload:
        actor = info.context.require_actor()
        question_id = check_id(input.question_id, "question")
        async with info.context.transaction() as session:
            row = await actions.questions.answer_question(session, actor, question_id, input.text)
        return AnswerQuestionPayload.of(row)
