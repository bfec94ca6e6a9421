"""What bids holds of persons: exported to them, and erased with them.

A bid stays as the other side's record of who offered what, without the words.
"""

from shared.copies import held_block, held_suspension
from shared.events import DELETED_TEXT
from shared.privacy.personal_data import Held, Personal, table_of
from subgraphs.bids import models

HELD = (
    Held(
        table_of(models.Bid),
        people=("tasker_id", "poster_id"),
        stream=("task", "task_id"),
        personal={"message": Personal("tasker_id", DELETED_TEXT)},
        pseudonymous=("id", "task_id"),
        plain=(
            "amount_minor", "currency", "estimated_minutes", "status", "expires_at", "version", "last_step",
            "created_at", "updated_at",
        ),
    ),
    Held(
        table_of(models.Task),
        people=("poster_id",),
        personal={"title": Personal("poster_id", DELETED_TEXT)},
        pseudonymous=("id",),
        plain=("status", "currency", "expires_at", "version"),
    ),
    held_block(models.Block),
    held_suspension(models.Suspension),
)  # fmt: skip
