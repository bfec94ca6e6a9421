"""Who may know of what happened to a task."""

from enum import StrEnum


class Audience(StrEnum):
    """Who sees that something happened."""

    EVERYBODY = "EVERYBODY"
    PARTIES = "PARTIES"
    POSTER = "POSTER"


BETWEEN_THE_TWO = frozenset(
    {
        "changes_requested",
        "reschedule_requested",
        "reschedule_answered",
        "price_change_requested",
        "price_change_answered",
        "price_change_settled",
        "cancellation_requested",
        "cancellation_answered",
    }
)
"""What poster and tasker settle with each other, by the last part of the event's type."""

FOR_THE_POSTER = frozenset({"funding_started", "funding_failed"})
"""What comes before there is a tasker, and tells who is going to be."""


def audience(event_type: str, *, published: bool) -> Audience:
    """Who sees an event of a task that was published by then, or was not."""
    if not published or event_type in FOR_THE_POSTER:
        return Audience.POSTER
    return Audience.PARTIES if event_type in BETWEEN_THE_TWO else Audience.EVERYBODY


def may_see(audience: Audience, viewer_id: str | None, poster_id: str, tasker_id: str | None) -> bool:
    """Whether a viewer belongs to an audience."""
    match audience:
        case Audience.EVERYBODY:
            return True
        case Audience.PARTIES:
            return viewer_id is not None and viewer_id in (poster_id, tasker_id)
        case Audience.POSTER:
            return viewer_id == poster_id
