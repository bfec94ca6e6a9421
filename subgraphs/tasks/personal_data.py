"""What tasks holds of persons: exported to them, and erased with them.

Of a task that somebody was given the title stays, as their record of what they did; what else was written
may hold addresses and telephone numbers.
"""

from shared.events import DELETED_TEXT
from shared.personal_data import Held, Personal, table_of
from subgraphs.tasks import models

HELD = (
    Held(table_of(models.Category), plain=("id", "parent_id", "position", "slug", "name", "name_th")),
    Held(
        table_of(models.Task),
        people=("poster_id", "tasker_id"),
        stream=("task", "id"),
        personal={
            "title": Personal("poster_id", DELETED_TEXT, kept_with="tasker_id"),
            "description": Personal("poster_id", DELETED_TEXT),
            "cancelled_reason": Personal("poster_id"),
        },
        pseudonymous=("id", "bid_id", "category_id"),
        plain=(
            "budget_minor", "currency", "mode", "due_at", "status", "version", "created_at", "updated_at",
            "published_at", "expires_at",
        ),
    ),
)  # fmt: skip
