"""Questions about tasks."""

from shared.access import (
    NOT_ALLOWED,
    VALUE,
    Declaration,
    Mutation,
    Object,
    Type,
    connection,
    everybody,
    page_info,
    refused,
    signed_in,
)
from shared.errors import UserErrorCode
from subgraphs.tasks.access.task import TASK

QUESTIONS = f"{TASK}.questions"
QUESTION = "id asker text askedAt answer answeredAt"
ALL = everybody(VALUE)

ACCESS: list[Declaration] = [
    Object("question", "a question that waits for its answer", owner="who is to answer", poster="who is to answer"),
    Object("answered question", "a question with its answer", owner="who answered", poster="who answered"),
    Type("Task", "answered question", TASK, {"questions": ALL}),
    *connection("TaskQuestion", "answered question", QUESTIONS, ALL),
    page_info("answered question", QUESTIONS, ALL),
    Type("TaskQuestion", "answered question", f"{QUESTIONS}.nodes", {QUESTION: ALL}),
    Type("TaskQuestion", "answered question", "node(id: $question)", {QUESTION: ALL}),
    Mutation(
        'askQuestion(input: {taskId: $task, text: "Which colour is it to be?"})',
        "open task", signed_in(VALUE, owner=refused(UserErrorCode.OWN_TASK)), gives="question", repeatable=True,
    ),
    Mutation(
        'answerQuestion(input: {questionId: $question, text: "Green."})',
        "question", signed_in(NOT_ALLOWED, owner=VALUE, poster=VALUE), gives="question",
    ),
]  # fmt: skip
