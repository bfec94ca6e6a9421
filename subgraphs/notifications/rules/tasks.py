"""What people are told about tasks."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers, amount, quoted


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
    told = [user_id for side, user_id in sides.items() if user_id and (side != event.by or event.unanswered)]
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


def _asked(event: events.TaskAgreementEvent) -> str:
    """Whom a request was put to."""
    task = event.task
    return (task.tasker_id or "") if event.agreement.requested_by == "POSTER" else task.poster_id


def _requested(event: events.TaskAgreementEvent, names: Names, title: str, wish: str, hint: str = "") -> list[Message]:
    task, agreement = event.task, event.agreement
    body = f"{names.person(agreement.requested_by_id)} {wish} {quoted(task.title)}: {agreement.message} {hint}".rstrip()
    return [_about(task, _asked(event), title, body)]


def _answered(event: events.TaskAgreementEvent, names: Names, title: str, body: str) -> list[Message]:
    told = f"{names.person(_asked(event))} {body} {quoted(event.task.title)}."
    return [_about(event.task, event.agreement.requested_by_id, title, told)]


def _reschedule_requested(event: events.TaskRescheduleRequested, names: Names) -> list[Message]:
    return _requested(event, names, "Another time?", "asks for another time for")


def _reschedule_answered(event: events.TaskRescheduleAnswered, names: Names) -> list[Message]:
    if event.accepted:
        return _answered(event, names, "Another time agreed on", "agreed to another time for")
    return _answered(event, names, "No other time", "did not agree to another time for")


def _price_change_requested(event: events.TaskPriceChangeRequested, names: Names) -> list[Message]:
    price = event.agreement.price
    wish = f"asks for {amount(price)} for" if price else "asks for another price for"
    return _requested(event, names, "Another price?", wish)


def _price_change_answered(event: events.TaskPriceChangeAnswered, names: Names) -> list[Message]:
    if not event.accepted:
        return _answered(event, names, "No other price", "did not agree to another price for")
    if event.awaiting_funding:
        return _answered(
            event, names, "Another price agreed on", "agreed to a price that counts once the difference is held, for"
        )
    return _answered(event, names, "Another price agreed on", "agreed to another price for")


def _cancellation_requested(event: events.TaskCancellationRequested, names: Names) -> list[Message]:
    return _requested(
        event, names, "Call it off?", "wants to call off", "Answer within 48 hours; then it counts as agreed to."
    )


def _cancellation_answered(event: events.TaskCancellationAnswered, names: Names) -> list[Message]:
    if event.accepted:
        return _answered(event, names, "Agreed to call it off", "agreed to call off")
    return _answered(event, names, "Not called off", "did not agree to call off")


def _question_asked(event: events.TaskQuestionAsked, names: Names) -> list[Message]:
    body = f"{names.person(event.question.asker_id)} asks about {quoted(event.task.title)}: {event.question.text}"
    return [_about(event.task, event.task.poster_id, "New question", body)]


def _question_answered(event: events.TaskQuestionAnswered, names: Names) -> list[Message]:
    question = event.question
    body = f"{names.person(question.poster_id)} answered about {quoted(event.task.title)}: {question.answer or ''}"
    return [_about(event.task, question.asker_id, "Question answered", body)]


WRITERS: Writers = {
    events.TaskAssigned: _task_assigned,
    events.TaskExpired: _task_expired,
    events.TaskCancelled: _task_cancelled,
    events.TaskStarted: _task_started,
    events.TaskDelivered: _task_delivered,
    events.TaskChangesRequested: _task_changes_requested,
    events.TaskCompleted: _task_completed,
    events.TaskRescheduleRequested: _reschedule_requested,
    events.TaskRescheduleAnswered: _reschedule_answered,
    events.TaskPriceChangeRequested: _price_change_requested,
    events.TaskPriceChangeAnswered: _price_change_answered,
    events.TaskCancellationRequested: _cancellation_requested,
    events.TaskCancellationAnswered: _cancellation_answered,
    events.TaskQuestionAsked: _question_asked,
    events.TaskQuestionAnswered: _question_answered,
}
