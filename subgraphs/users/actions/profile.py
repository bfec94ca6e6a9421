"""What people tell about themselves."""

from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.actor import Actor
from shared.errors import NotFound, VersionConflict
from shared.graphql.text import clean
from shared.graphql.urls import https_url
from shared.outbox import emit
from subgraphs.users import models, rules, store


class ProfileChanges(TypedDict, total=False):
    """What to change of a profile; None clears a value."""

    display_name: str
    bio: str | None
    avatar_url: str | None


async def update_profile(
    session: AsyncSession, actor: Actor, changes: ProfileChanges, expected_version: int | None
) -> models.User:
    """Changes the actor's public profile. Raises NotFound, VersionConflict, InvalidInput."""
    user = await store.accounts.lock_user(session, actor.id)
    if user is None:
        raise NotFound("There is no such account.")
    if expected_version is not None and user.version != expected_version:
        raise VersionConflict("The profile changed meanwhile; look at it again.", current=user)
    cleaned = _clean_profile(changes)
    if all(getattr(user, name) == value for name, value in cleaned.items()):
        return user
    for name, value in cleaned.items():
        setattr(user, name, value)
    user.version += 1
    user.updated_at = clock.now()
    await emit(
        session,
        events.UserProfileUpdated(
            user_id=user.id, display_name=user.display_name, bio=user.bio, avatar_url=user.avatar_url
        ),
    )
    return user


def clean_name(text: str, *, field: tuple[str, ...] = ("displayName",)) -> str:
    """A name as it is shown. Raises InvalidInput."""
    least, most = rules.profile.DISPLAY_NAME_LENGTH
    return clean(text, field=field, min_length=least, max_length=most)


def _clean_profile(changes: ProfileChanges) -> ProfileChanges:
    cleaned: ProfileChanges = {}
    if "display_name" in changes:
        cleaned["display_name"] = clean_name(changes["display_name"])
    if "bio" in changes:
        bio = clean(changes["bio"] or "", field=("bio",), max_length=rules.profile.BIO_LENGTH[1], multiline=True)
        cleaned["bio"] = bio or None
    if "avatar_url" in changes:
        url = changes["avatar_url"]
        cleaned["avatar_url"] = https_url(url, field=("avatarUrl",)) if url else None
    return cleaned
