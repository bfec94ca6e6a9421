"""What locations holds of persons: exported to them, and erased with them.

Places go as a whole, and with them how they were moved. Of a task only the numbers stay, without where it was.
"""

from shared.events import DELETED_TEXT
from shared.personal_data import Held, Personal, secret, table_of
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
        table_of(models.Displacement),
        people=("owner_id",),
        personal={name: Personal("owner_id") for name in ("latitude", "longitude", "bearing_degrees", "meters")},
        pseudonymous=("id",),
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
            "budget_minor", "currency", "mode", "status", "version", "published_at", "expires_at",
        ),
    ),
    # What is counted here is on the map for everybody; a task that is taken off it is counted no more.
    Held(table_of(models.Cell), plain=("level", "x", "y", "tasks", "sum_x", "sum_y", "sum_number")),
)  # fmt: skip
