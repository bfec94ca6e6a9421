"""askQuestion and answerQuestion: for everybody to read, while the task is open."""

import asyncio
from typing import Any

import pytest

from shared import events
from shared.ids import new_id
from subgraphs.tasks import actions
from subgraphs.tasks.rules.tasks import Status
from tests.conftest import Elsewhere
from tests.support.redelivery import deliver, deliver_twice
from tests.tasks.conftest import Tasks

QUESTION = "id asker { id } text askedAt answer answeredAt"
ASK = f"mutation($input: AskQuestionInput!) {{ askQuestion(input: $input) {{ question {{ {QUESTION} }} userErrors {{ code field }} }} }}"  # noqa: E501
ANSWER = f"mutation($input: AnswerQuestionInput!) {{ answerQuestion(input: $input) {{ question {{ {QUESTION} }} userErrors {{ code field }} }} }}"  # noqa: E501
QUESTIONS = f"query ($id: ID!) {{ task(id: $id) {{ questions {{ nodes {{ {QUESTION} }} totalCount }} }} }}"


async def ask(tasks: Tasks, user_id: str, task_id: str, text: str = "Which colour is it to be?", **given: Any) -> Any:
    return (await tasks.act(user_id, ASK, input={"taskId": task_id, "text": text, **given}))["askQuestion"]


async def answer(tasks: Tasks, user_id: str, question_id: str, text: str = "Green, please.") -> Any:
    return (await tasks.act(user_id, ANSWER, input={"questionId": question_id, "text": text}))["answerQuestion"]


def refused(code: str, field: list[str] | None) -> dict[str, Any]:
    return {"question": None, "userErrors": [{"code": code, "field": field}]}


async def test_somebody_asks_and_the_poster_answers_for_everybody(tasks: Tasks, poster: str) -> None:
    task, asker = await tasks.open(poster), new_id("user")

    first = (await ask(tasks, asker, task["id"], "  Which colour?\n"))["question"]
    second = (await ask(tasks, new_id("user"), task["id"]))["question"]
    answered = (await answer(tasks, poster, first["id"]))["question"]

    assert (first["asker"], first["text"], first["answer"]) == ({"id": asker}, "Which colour?", None)
    assert answered == {**first, "answer": "Green, please.", "answeredAt": answered["answeredAt"]}
    read = (await tasks.served.execute(QUESTIONS, {"id": task["id"]}))["data"]["task"]["questions"]
    assert read == {"nodes": [answered, second], "totalCount": 2}
    assert (await tasks.event_types())[2:] == [
        "tasks.task.question_asked", "tasks.task.question_asked", "tasks.task.question_answered",
    ]  # fmt: skip
    (told,) = await tasks.told("tasks.task.question_answered")
    assert (told["question"]["asker_id"], told["question"]["answer"]) == (asker, "Green, please.")


async def test_neither_side_of_a_block_asks_until_it_is_taken_back(
    tasks: Tasks, poster: str, elsewhere: Elsewhere
) -> None:
    task, asker = await tasks.open(poster), new_id("user")

    for blocker, blocked in ((poster, asker), (asker, poster)):
        await deliver_twice(elsewhere, "tasks", events.UserBlocked(user_id=blocker, blocked_id=blocked))
        before = await tasks.state()
        # The same answer, whoever blocked whom.
        assert await ask(tasks, asker, task["id"]) == refused("INTERACTION_BLOCKED", ["taskId"])
        assert await tasks.state() == before
        assert (await ask(tasks, new_id("user"), task["id"]))["userErrors"] == []
        await deliver_twice(elsewhere, "tasks", events.UserUnblocked(user_id=blocker, blocked_id=blocked))

    assert (await ask(tasks, asker, task["id"]))["userErrors"] == []


async def test_an_old_block_that_comes_later_changes_nothing(tasks: Tasks, poster: str, elsewhere: Elsewhere) -> None:
    task, asker = await tasks.open(poster), new_id("user")
    block = events.UserBlocked(user_id=poster, blocked_id=asker)
    await deliver(elsewhere, "tasks", block, events.UserUnblocked(user_id=poster, blocked_id=asker))

    # A dead letter that is replayed under a new event id.
    async with tasks.database.transaction() as session:
        await actions.people.copy_block(session, poster, asker, is_blocked=True, seq=1)

    assert (await ask(tasks, asker, task["id"]))["userErrors"] == []


async def test_who_may_not_ask_or_answer(tasks: Tasks, poster: str) -> None:
    task, draft, asker = await tasks.open(poster), await tasks.draft(poster), new_id("user")
    question = (await ask(tasks, asker, task["id"]))["question"]
    before = await tasks.state()

    assert await ask(tasks, poster, task["id"]) == refused("OWN_TASK", ["taskId"])
    assert await ask(tasks, asker, draft["id"]) == refused("NOT_FOUND", ["taskId"])
    assert await ask(tasks, asker, new_id("task")) == refused("NOT_FOUND", ["taskId"])
    assert await answer(tasks, asker, question["id"]) == refused("NOT_ALLOWED", ["questionId"])
    assert await answer(tasks, poster, new_id("question")) == refused("NOT_FOUND", ["questionId"])
    anonymous = await tasks.served.execute(ASK, {"input": {"taskId": task["id"], "text": "Which colour?"}})
    assert anonymous["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await tasks.state() == before


async def test_what_is_asked_while_a_task_is_open(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    question = (await ask(tasks, new_id("user"), task["id"]))["question"]
    for status in [each for each in Status if each is not Status.OPEN]:
        await tasks.set(task["id"], status=status.value)
        before = await tasks.state()
        assert await ask(tasks, new_id("user"), task["id"]) == refused("INVALID_TRANSITION", None), status
        assert await answer(tasks, poster, question["id"]) == refused("INVALID_TRANSITION", None), status
        assert await tasks.state() == before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hm?", "INVALID_INPUT"),
        ("x" * 1_001, "INVALID_INPUT"),
        ("\u200b" * 20, "INVALID_INPUT"),
        ("Call me at 081 234 5678", "CONTACT_DETAILS_NOT_ALLOWED"),
        ("Write to nina (at) example.com", "CONTACT_DETAILS_NOT_ALLOWED"),
        ("โทร ๐๘๑-๒๓๔-๕๖๗๘ นะคะ", "CONTACT_DETAILS_NOT_ALLOWED"),
    ],
)
async def test_what_may_not_be_written(tasks: Tasks, poster: str, text: str, code: str) -> None:
    task = await tasks.open(poster)
    question = (await ask(tasks, new_id("user"), task["id"]))["question"]
    before = await tasks.state()

    assert await ask(tasks, new_id("user"), task["id"], text) == refused(code, ["text"])
    if code != "INVALID_INPUT":
        assert await answer(tasks, poster, question["id"], text) == refused(code, ["text"])
    assert await tasks.state() == before


async def test_a_question_is_answered_once(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    question = (await ask(tasks, new_id("user"), task["id"]))["question"]

    given = await asyncio.gather(*(answer(tasks, poster, question["id"], f"Answer {n}") for n in range(5)))

    assert sum(each["userErrors"] == [] for each in given) == 1
    assert {error["code"] for each in given for error in each["userErrors"]} == {"INVALID_TRANSITION"}
    assert len(await tasks.told("tasks.task.question_answered")) == 1


async def test_sent_again_with_its_key_a_question_is_asked_once(tasks: Tasks, poster: str) -> None:
    task, asker = await tasks.open(poster), new_id("user")

    first = await ask(tasks, asker, task["id"], idempotencyKey="1")
    again = await ask(tasks, asker, task["id"], idempotencyKey="1")
    other = await ask(tasks, asker, task["id"], "Is it a long one?", idempotencyKey="1")

    assert again == first
    assert other == refused("IDEMPOTENCY_KEY_REUSED", None)
    assert len(await tasks.told("tasks.task.question_asked")) == 1
