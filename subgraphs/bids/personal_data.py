"""What bids holds of persons: exported to them, and erased with them.

A bid stays as the other side's record of who offered what, without the words.
"""

from shared.events import DELETED_TEXT
from shared.personal_data import Held, Personal, table_of
from subgraphs.bids import models

HELD = (
    Held(
        table_of(models.Bid),
        people=("tasker_id", "poster_id"),
        stream=("task", "task_id"),
        personal={"message": Personal("tasker_id", DELETED_TEXT)},
        pseudonymous=("id", "task_id"),
        plain=(
            "amount_minor", "currency", "estimated_minutes", "status", "expires_at", "version", "created_at",
            "updated_at",
        ),
    ),
    Held(
        table_of(models.Task),
        people=("poster_id",),
        personal={"title": Personal("poster_id", DELETED_TEXT)},
        pseudonymous=("id",),
        plain=("status", "currency", "expires_at", "version"),
    ),
    Held(
        table_of(models.Block),
        people=("blocker_id",),
        unseen={"blocked_id": "Nobody is told who blocked them."},
        plain=("is_blocked", "seq"),
        deleted_with=("blocker_id", "blocked_id"),
    ),
    Held(
        table_of(models.Suspension), people=("user_id",), plain=("is_suspended", "seq"), deleted_with=("user_id",)
    ),
)  # fmt: skip
