"""What subscribers are told."""

from shared.access import FORBIDDEN, VALUE, Declaration, Subscription, Type, everybody

EVENTS = "taskEvents(taskId: $task, after: 0)"
ALL = everybody(VALUE)
POSTER_FOLLOWS = everybody(FORBIDDEN, owner=VALUE, poster=VALUE)

ACCESS: list[Declaration] = [
    Subscription(EVENTS, "task", ALL),
    Subscription(EVENTS, "draft", POSTER_FOLLOWS),
    Type("TaskEvent", "task", EVENTS, {"seq previousSeq occurredAt type task": ALL}),
    Type("TaskEvent", "draft", EVENTS, {"seq previousSeq occurredAt type task": POSTER_FOLLOWS}),
]
