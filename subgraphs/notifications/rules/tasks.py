"""What people are told about tasks."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers, quoted


def _about(task: events.TaskSnapshot, user_id: str, title: str, body: str) -> Message:
    return Message(user_id, Category.TASKS, title, body, f"/tasks/{task.id}")


def _task_assigned(event: events.TaskAssigned, names: Names) -> list[Message]:
    task = event.task
    body = f"{names.person(task.tasker_id or '')} will do {quoted(task.title)}."
    return [_about(task, task.poster_id, "Task assigned", body)]


def _task_expired(event: events.TaskExpired, names: Names) -> list[Message]:
    task = event.task
    body = f"{quoted(task.title)} takes no bids any more. You can post it again."
    return [_about(task, task.poster_id, "Task expired", body)]


def _task_cancelled(event: events.TaskCancelled, names: Names) -> list[Message]:
    task = event.task
    sides = {"POSTER": task.poster_id, "TASKER": task.tasker_id}
    # Whoever did it knows.
    told = [user_id for side, user_id in sides.items() if user_id and side != event.by]
    body = f"{quoted(task.title)} was cancelled: {event.reason}"
    return [_about(task, user_id, "Task cancelled", body) for user_id in told]


def _task_started(event: events.TaskStarted, names: Names) -> list[Message]:
    task = event.task
    body = f"{names.person(task.tasker_id or '')} began to work on {quoted(task.title)}."
    return [_about(task, task.poster_id, "Work begun", body)]


def _task_delivered(event: events.TaskDelivered, names: Names) -> list[Message]:
    task = event.task
    body = (
        f"{names.person(task.tasker_id or '')} says that {quoted(task.title)} is done: {event.message} "
        "Approve it or ask for changes within 14 days; then it counts as approved."
    )
    return [_about(task, task.poster_id, "Work delivered", body)]


def _task_changes_requested(event: events.TaskChangesRequested, names: Names) -> list[Message]:
    task = event.task
    body = f"{names.person(task.poster_id)} asks for changes to {quoted(task.title)}: {event.message}"
    return [_about(task, task.tasker_id or "", "Changes requested", body)]


def _task_completed(event: events.TaskCompleted, names: Names) -> list[Message]:
    task = event.task
    if event.by == "POSTER":
        body = f"{names.person(task.poster_id)} approved your work on {quoted(task.title)}."
        return [_about(task, task.tasker_id or "", "Work approved", body)]
    why = "14 days passed without an answer." if event.by == "TIMER" else "The dispute about it has ended so."
    body = f"{quoted(task.title)} is completed. {why}"
    return [_about(task, user_id, "Task completed", body) for user_id in (task.poster_id, task.tasker_id or "")]


WRITERS: Writers = {
    events.TaskAssigned: _task_assigned,
    events.TaskExpired: _task_expired,
    events.TaskCancelled: _task_cancelled,
    events.TaskStarted: _task_started,
    events.TaskDelivered: _task_delivered,
    events.TaskChangesRequested: _task_changes_requested,
    events.TaskCompleted: _task_completed,
}
