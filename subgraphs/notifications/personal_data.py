"""What notifications holds of persons: exported to them, and erased with them."""

from shared.events import DELETED_NAME, DELETED_TEXT
from shared.privacy.personal_data import Held, Personal, table_of
from subgraphs.notifications import models

HELD = (
    Held(
        table_of(models.Notification),
        people=("user_id",),
        # Rewritten by `actions.forget_person`.
        unseen={"about_ids": "What others were told about somebody is theirs."},
        personal={"title": Personal("user_id", DELETED_TEXT), "body": Personal("user_id", DELETED_TEXT)},
        pseudonymous=("id", "event_id", "link"),
        plain=("category", "created_at", "read_at"),
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.User),
        people=("id",),
        personal={"display_name": Personal("id", DELETED_NAME)},
        plain=("erased",),
    ),
    Held(
        table_of(models.Task),
        people=("poster_id",),
        personal={"title": Personal("poster_id", DELETED_TEXT)},
        pseudonymous=("id",),
    ),
)
