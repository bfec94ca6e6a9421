"""Doing the work, and approving it."""

from shared.access import NOT_ALLOWED, VALUE, Declaration, Mutation, Object, signed_in

TASKER_DOES = signed_in(NOT_ALLOWED, tasker=VALUE)
POSTER_DOES = signed_in(NOT_ALLOWED, owner=VALUE, poster=VALUE)
MESSAGE = 'message: "Both sides have two coats now."'

ACCESS: list[Declaration] = [
    Object(
        "assigned task", "a task that a tasker has got",
        owner="who posted it", tasker="who got it", poster="who posted it",
    ),
    Object(
        "started task", "a task on which a tasker is at work",
        owner="who posted it", tasker="who does it", poster="who posted it",
    ),
    Object(
        "delivered task", "a task that waits for approval",
        owner="who posted it", tasker="who did it", poster="who posted it",
    ),
    Mutation("startTask(input: {taskId: $task})", "assigned task", TASKER_DOES, gives="task"),
    Mutation(f"submitDelivery(input: {{taskId: $task, {MESSAGE}}})", "started task", TASKER_DOES, gives="task"),
    Mutation(f"requestChanges(input: {{taskId: $task, {MESSAGE}}})", "delivered task", POSTER_DOES, gives="task"),
    Mutation(
        "approveDelivery(input: {taskId: $task, expectedVersion: $version})",
        "delivered task", POSTER_DOES, gives="task",
    ),
]  # fmt: skip
