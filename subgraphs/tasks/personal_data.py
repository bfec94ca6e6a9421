"""What tasks holds of persons: exported to them, and erased with them.

Of a task that somebody was given the title stays, as their record of what they did; what else was written
may hold addresses and telephone numbers.
"""

from shared.copies import held_block, held_suspension
from shared.events import DELETED_TEXT
from shared.privacy.personal_data import Held, Personal, secret, table_of
from subgraphs.tasks import models

HELD = (
    Held(table_of(models.Category), plain=("id", "parent_id", "position", "slug", "name", "name_th")),
    Held(
        table_of(models.Task),
        people=("poster_id", "tasker_id", "cancelled_by_id"),
        stream=("task", "id"),
        personal={
            "title": Personal("poster_id", DELETED_TEXT, kept_with="tasker_id"),
            "description": Personal("poster_id", DELETED_TEXT),
            "requirements": Personal("poster_id", []),
            "attachments": Personal("poster_id", []),
            "cancelled_reason": Personal("cancelled_by_id"),
        },
        pseudonymous=("id", "bid_id", "category_id", "place_id"),
        plain=(
            "budget_minor", "price_minor", "funding_seq", "currency", "mode", "due_from", "due_at", "time_zone",
            "status", "version", "last_step", "created_at", "updated_at", "published_at", "expires_at",
            "started_at", "delivered_at", "completed_at",
        ),
    ),
    Held(
        table_of(models.Attachment),
        people=("uploader_id",),
        personal={
            "filename": Personal("uploader_id", ""),
            "writer": secret("uploader_id", "Tells requests apart while one of them writes."),
        },
        pseudonymous=("id", "task_id", "parts"),
        plain=(
            "content_type", "status", "declared_bytes", "received_bytes", "size_bytes", "writer_until", "looks",
            "created_at", "expires_at",
        ),
        deleted_with=("uploader_id",),
    ),
    Held(table_of(models.DiscardedFile), pseudonymous=("prefix",), plain=("due_at", "deleted_once")),
    Held(
        table_of(models.Place),
        people=("owner_id",),
        pseudonymous=("id",),
        plain=("is_deleted", "seq"),
        deleted_with=("owner_id",),
    ),
    held_suspension(models.Suspension),
    held_block(models.Block),
    Held(
        table_of(models.Step),
        people=("actor_id",),
        stream=("task", "task_id"),
        personal={"message": Personal("actor_id", DELETED_TEXT)},
        pseudonymous=("task_id",),
        plain=("seq", "type", "audience", "occurred_at"),
    ),
    # Of whom, nothing tells; a word goes with the last title that has it.
    Held(table_of(models.Word), plain=("word",)),
    Held(
        table_of(models.Agreement),
        people=("requested_by_id",),
        stream=("task", "task_id"),
        personal={"message": Personal("requested_by_id", DELETED_TEXT)},
        pseudonymous=("id", "task_id"),
        plain=(
            "kind", "status", "version", "last_step", "requested_by", "due_from", "due_at", "time_zone", "currency",
            "price_minor", "price_before_minor", "created_at", "expires_at", "answered_at",
        ),
    ),
    Held(
        table_of(models.Question),
        people=("asker_id", "poster_id"),
        stream=("task", "task_id"),
        personal={"text": Personal("asker_id", DELETED_TEXT), "answer": Personal("poster_id", DELETED_TEXT)},
        pseudonymous=("id", "task_id"),
        plain=("asked_at", "answered_at"),
    ),
)  # fmt: skip
