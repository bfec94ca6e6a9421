"""What is wrong with a form of tasks is said all at once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared import clock
from shared.ids import new_id
from tests.support.wrong_inputs import document
from tests.tasks.conftest import Tasks
from tests.tasks.forms import FORMS

OF_A_TASK = [name for name in FORMS if name != "createTask"]


def answers(data: dict[str, Any]) -> list[tuple[str, list[str] | None]]:
    """Code and field of every user error."""
    (payload,) = data.values()
    return [(error["code"], error["field"]) for error in payload["userErrors"]]


@pytest.mark.parametrize("mutation", FORMS)
async def test_every_wrong_field_is_told_at_once(tasks: Tasks, mutation: str) -> None:
    form = FORMS[mutation]
    user_id, ids = await form.prepare(tasks)
    before = await tasks.state()

    data = await tasks.act(user_id, document(mutation), input=form.input(ids))

    assert data == {mutation: {"userErrors": form.errors()}}
    assert await tasks.state() == before


async def test_every_wrong_requirement_is_told_and_how_many_there_may_be(tasks: Tasks, poster: str) -> None:
    for requirements, expected in (
        (
            ["?", "Bring a ladder.", "x" * 201],
            [(["requirements", "0"], "3", "200"), (["requirements", "2"], "3", "200")],
        ),
        (["?"] * 21, [(["requirements"], None, "20")]),
    ):
        data = await tasks.act(poster, document("createTask"), input=tasks.input(requirements=requirements))
        errors = data["createTask"]["userErrors"]
        assert [(error["field"], error["min"], error["max"]) for error in errors] == expected


async def test_the_least_due_time_is_now(tasks: Tasks, poster: str) -> None:
    before = clock.now() - timedelta(milliseconds=1)  # as much as is not written

    data = await tasks.act(poster, document("createTask"), input=tasks.input(dueAt="2020-01-01T00:00:00Z"))

    [error] = data["createTask"]["userErrors"]
    assert before <= datetime.fromisoformat(error["min"]) <= clock.now()


async def test_a_task_has_as_many_files_as_it_says(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    file = {"taskId": task["id"], "filename": "a.png", "contentType": "image/png", "sizeBytes": 1}
    for _ in range(10):
        data = await tasks.act(poster, document("createAttachmentUpload"), input=file)
        assert answers(data) == []

    # What the task does not allow at all is told alone.
    data = await tasks.act(poster, document("createAttachmentUpload"), input=file | {"filename": ""})

    [error] = data["createAttachmentUpload"]["userErrors"]
    assert (error["code"], error["field"], error["max"]) == ("TOO_MANY_ATTACHMENTS", ["taskId"], "10")


@pytest.mark.parametrize("mutation", OF_A_TASK)
async def test_who_may_not_is_told_nothing_of_the_form(tasks: Tasks, mutation: str) -> None:
    form = FORMS[mutation]
    user_id, ids = await form.prepare(tasks)
    given, other = form.input(ids), new_id("user")

    missing = await tasks.act(user_id, document(mutation), input=given | {"taskId": new_id("task")})
    by_other = await tasks.act(other, document(mutation), input=given)
    await tasks.set(ids["taskId"], status="COMPLETED")
    too_late = await tasks.act(user_id, document(mutation), input=given)

    assert answers(missing) == [("NOT_FOUND", ["taskId"])]
    assert answers(by_other) == [("NOT_ALLOWED", ["taskId"])]
    assert answers(too_late) == [("INVALID_TRANSITION", None)]


async def test_who_posts_nothing_is_told_nothing_of_a_new_task(tasks: Tasks) -> None:
    form = FORMS["createTask"]
    user_id, ids = await form.prepare(tasks)

    answer = await tasks.served.execute(
        document("createTask"), {"input": form.input(ids)}, token=tasks.token(user_id, "TASKER")
    )

    assert answers(answer["data"]) == [("ROLE_REQUIRED", None)]


async def test_nor_of_a_single_text(tasks: Tasks, poster: str) -> None:
    tasker, other = new_id("user"), new_id("user")
    task = await tasks.open(poster)
    asked = await tasks.act(
        other,
        "mutation ($input: AskQuestionInput!) { askQuestion(input: $input) { question { id } } }",
        input={"taskId": task["id"], "text": "Which colour is it to be?"},
    )
    question = {"questionId": asked["askQuestion"]["question"]["id"], "text": ""}
    assigned, started = await tasks.assigned(poster, tasker), await tasks.started(poster, tasker)
    delivered = await tasks.delivered(poster, tasker)

    for user_id, mutation, given, refusal in (
        (other, "cancelTask", {"taskId": task["id"], "reason": ""}, ("NOT_ALLOWED", ["taskId"])),
        (poster, "cancelTask", {"taskId": started["id"], "reason": ""}, ("INVALID_TRANSITION", None)),
        (poster, "askQuestion", {"taskId": task["id"], "text": ""}, ("OWN_TASK", ["taskId"])),
        (other, "askQuestion", {"taskId": started["id"], "text": ""}, ("INVALID_TRANSITION", None)),
        (other, "answerQuestion", question, ("NOT_ALLOWED", ["questionId"])),
        (poster, "submitDelivery", {"taskId": started["id"], "message": ""}, ("NOT_ALLOWED", ["taskId"])),
        (tasker, "submitDelivery", {"taskId": assigned["id"], "message": ""}, ("INVALID_TRANSITION", None)),
        (tasker, "requestChanges", {"taskId": delivered["id"], "message": ""}, ("NOT_ALLOWED", ["taskId"])),
        (other, "requestCancellation", {"taskId": started["id"], "reason": ""}, ("NOT_ALLOWED", ["taskId"])),
        (poster, "requestCancellation", {"taskId": task["id"], "reason": ""}, ("INVALID_TRANSITION", None)),
    ):
        data = await tasks.act(user_id, document(mutation), input=given)
        assert answers(data) == [refusal], (mutation, given)


async def test_an_amount_of_another_currency_is_read_as_one_of_the_task_s(tasks: Tasks, poster: str) -> None:
    task = await tasks.open(poster)
    given = {"taskId": task["id"], "expectedVersion": 2, "budget": {"amount": "125.50", "currency": "JPY"}}

    data = await tasks.act(poster, document("updateTask"), input=given)

    assert answers(data) == [("CURRENCY_MISMATCH", ["budget", "currency"])]
