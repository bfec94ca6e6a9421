"""Calling tasks off."""

from shared.access import NOT_ALLOWED, NULL, VALUE, Declaration, Mutation, signed_in, user_error

ACCESS: list[Declaration] = [
    Mutation(
        'cancelTask(input: {taskId: $task, reason: "Done."})',
        "open task", signed_in(NOT_ALLOWED, owner=VALUE), gives="task",
    ),
    user_error(
        "open task", 'cancelTask(input: {taskId: $task, reason: ""})',
        signed_in(VALUE), bounds=signed_in(NULL, owner=VALUE),
    ),
]  # fmt: skip
