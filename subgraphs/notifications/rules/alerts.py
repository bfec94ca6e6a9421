"""What people are told about tasks that their saved searches find."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers


def _alert_matched(event: events.AlertMatched, names: Names) -> list[Message]:
    title = "A new task near you" if event.is_near else "A new task for you"
    body = f"{title}: {names.task(event.task_id)}."
    return [Message(event.user_id, Category.ALERTS, title, body, f"/tasks/{event.task_id}")]


WRITERS: Writers = {events.AlertMatched: _alert_matched}
