"""What happened to tasks."""

from shared.access import NULL, VALUE, Declaration, Type, connection, everybody, page_info
from subgraphs.tasks.access.task import TASK

TIMELINE = f"{TASK}.timeline(last: 1)"
ALL = everybody(VALUE)
PARTIES = everybody(NULL, owner=VALUE, poster=VALUE, tasker=VALUE)

ACCESS: list[Declaration] = [
    *connection("TaskStep", "finished task", TIMELINE, ALL),
    page_info("finished task", TIMELINE, ALL),
    Type("TaskStep", "finished task", f"{TIMELINE}.nodes", {"id seq type occurredAt actor": ALL}),
    Type("TaskStep", "delivered task", f"{TIMELINE}.nodes", {"message": PARTIES}),
]
