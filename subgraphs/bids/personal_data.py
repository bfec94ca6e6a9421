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
        personal={
            "message": Personal("tasker_id", DELETED_TEXT),
            "decline_message": Personal("poster_id"),
            "shortlisted_at": Personal("poster_id"),
        },
        pseudonymous=("id", "task_id"),
        plain=(
            "amount_minor", "currency", "estimated_minutes", "status", "expires_at", "version", "last_step",
            "open_offer_side", "offers_made", "decline_reason", "created_at", "updated_at",
        ),
    ),
    Held(
        table_of(models.Offer),
        people=("author_id", "recipient_id"),
        personal={"message": Personal("author_id")},
        pseudonymous=("id", "bid_id"),
        plain=("side", "amount_minor", "currency", "status", "created_at"),
    ),
    Held(
        table_of(models.Invitation),
        people=("poster_id", "tasker_id"),
        stream=("task", "task_id"),
        personal={"message": Personal("poster_id")},
        pseudonymous=("id", "task_id", "bid_id"),
        plain=("declined_at", "created_at"),
    ),
    Held(
        table_of(models.Task),
        people=("poster_id",),
        personal={"title": Personal("poster_id", DELETED_TEXT)},
        pseudonymous=("id",),
        plain=("category_id", "status", "currency", "expires_at", "version"),
    ),
    held_block(models.Block),
    held_suspension(models.Suspension),
    Held(table_of(models.Tasker), people=("user_id",), plain=("is_tasker", "seq"), deleted_with=("user_id",)),
)  # fmt: skip
