"""Writing, changing and publishing tasks."""

from shared.access import NOT_ALLOWED, NOT_FOUND, ROLE_REQUIRED, VALUE, Declaration, Mutation, Object, signed_in

WRITING = 'budget: {amount: "200.00", currency: EUR}, mode: REMOTE, categoryId: $category'
WRITTEN = 'title: "Paint the garden fence", description: "The fence needs two coats of green paint."'

ACCESS: list[Declaration] = [
    Mutation(
        f"createTask(input: {{{WRITTEN}, {WRITING}}})", "category", signed_in(VALUE, tasker=ROLE_REQUIRED), gives="task"
    ),
    Mutation(
        "updateTask(input: {taskId: $task, expectedVersion: $version, mode: REMOTE})",
        "open task", signed_in(NOT_ALLOWED, owner=VALUE), gives="task",
    ),
    Mutation(
        "publishTask(input: {taskId: $task})",
        "draft", signed_in(NOT_FOUND, owner=VALUE, poster=VALUE), gives="task",
    ),
    Object("expired task", "a task that nobody got in time", owner="who posted it"),
    Mutation(
        "repostTask(input: {taskId: $task, dueAt: null})",
        "expired task", signed_in(NOT_ALLOWED, owner=VALUE), gives="task",
    ),
]  # fmt: skip
