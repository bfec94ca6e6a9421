"""What locations holds of persons: exported to them, and erased with them.

Places go as a whole, and with them where they were shown; so do saved searches and service areas. Of a task only
the numbers stay, without where it was.
"""

from shared.copies import held_block, held_suspension
from shared.events import DELETED_TEXT
from shared.privacy.personal_data import Held, Personal, secret, table_of
from subgraphs.locations import models

HELD = (
    Held(
        table_of(models.Place),
        people=("owner_id",),
        personal={
            name: Personal("owner_id")
            for name in (
                "address", "locality", "country", "precision", "latitude", "longitude", "public_latitude",
                "public_longitude",
            )
        },
        pseudonymous=("id",),
        plain=("created_at",),
        deleted_with=("owner_id",),
    ),
    Held(
        table_of(models.Neighbourhood),
        people=("owner_id",),
        personal={name: Personal("owner_id") for name in ("north", "east")},
        plain=("number",),
        deleted_with=("owner_id",),
    ),
    Held(
        table_of(models.Task),
        people=("poster_id", "tasker_id"),
        stream=("task", "id"),
        personal={
            "title": Personal("poster_id", DELETED_TEXT),
            "search": secret("poster_id", "Another form of words that `tasks` hands out."),
            "latitude": Personal("poster_id"),
            "longitude": Personal("poster_id"),
        },
        pseudonymous=("id", "place_id", "category_id", "number"),
        plain=(
            "budget_minor", "currency", "mode", "status", "is_hidden", "version", "published_at", "expires_at",
        ),
    ),
    Held(
        table_of(models.SavedSearch),
        people=("owner_id",),
        personal={
            name: Personal("owner_id")
            for name in (
                "name", "latitude", "longitude", "radius_meters", "words", "category_ids", "mode", "budget_minor",
                "currency",
            )
        } | {name: secret("owner_id", "Another form of what the search looks for.") for name in ("query", "keys")},
        pseudonymous=("id",),
        plain=("created_at",),
        deleted_with=("owner_id",),
    ),
    Held(
        table_of(models.ServiceArea),
        people=("tasker_id",),
        personal={
            name: Personal("tasker_id")
            for name in (
                "latitude", "longitude", "radius_meters", "outline", "public_latitude", "public_longitude",
                "public_outline", "category_ids",
            )
        },
        plain=("updated_at",),
        deleted_with=("tasker_id",),
    ),
    Held(
        table_of(models.Alert),
        people=("user_id",),
        pseudonymous=("task_id", "search_id"),
        plain=("is_near", "is_pending", "found_at"),
        deleted_with=("user_id",),
    ),
    held_block(models.Block),
    held_suspension(models.Suspension),
    # What is counted here is on the map for everybody; a task that is taken off it is counted no more.
    Held(table_of(models.Cell), plain=("level", "x", "y", "tasks", "sum_x", "sum_y", "sum_number")),
)  # fmt: skip
