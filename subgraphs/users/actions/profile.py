"""What people tell about themselves."""

from functools import cache
from typing import TypedDict
from zoneinfo import available_timezones

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import InvalidInput, NotFound, VersionConflict, collected
from shared.graphql.urls import https_url
from shared.identity.actor import Actor
from shared.locale import Locale
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store


class ProfileChanges(TypedDict, total=False):
    """What to change of a profile; None clears a value, or takes its default."""

    display_name: str
    bio: str | None
    avatar_url: str | None
    phone: str | None
    locale: Locale | None
    time_zone: str | None
    skills: list[str]


async def update_profile(
    session: AsyncSession, actor: Actor, changes: ProfileChanges, expected_version: int | None
) -> models.User:
    """Changes what is given of the actor's profile. Raises NotFound, VersionConflict, InvalidInput."""
    user = await store.accounts.lock_user(session, actor.id)
    if user is None:
        raise NotFound("There is no such account.")
    cleaned = _clean_profile(changes)
    changed = {name: value for name, value in cleaned.items() if getattr(user, name) != value}
    if not changed:
        return user
    if expected_version is not None and user.version != expected_version:
        raise VersionConflict("The profile changed meanwhile; look at it again.", current=user)
    for name, value in changed.items():
        setattr(user, name, value)
    user.version += 1
    user.updated_at = clock.now()
    # The phone number is nobody else's business: that it changed is none either.
    if changed.keys() != {"phone"}:
        await emit(session, _profile_updated(user))
    return user


def _profile_updated(user: models.User) -> events.UserProfileUpdated:
    return events.UserProfileUpdated(
        user_id=user.id,
        display_name=user.display_name,
        bio=user.bio,
        avatar_url=user.avatar_url,
        skills=tuple(user.skills),
        locale=user.locale,
        time_zone=user.time_zone,
    )


def _clean_profile(changes: ProfileChanges) -> ProfileChanges:
    cleaned: ProfileChanges = {}
    with collected() as check:
        if "display_name" in changes:
            cleaned["display_name"] = check(rules.profile.clean_name, changes["display_name"])
        if "bio" in changes:
            cleaned["bio"] = check(rules.profile.clean_bio, changes["bio"])
        if "avatar_url" in changes:
            url = changes["avatar_url"]
            cleaned["avatar_url"] = check(https_url, url, field=("avatarUrl",)) if url else None
        if "phone" in changes:
            phone = changes["phone"]
            cleaned["phone"] = check(rules.profile.normalise_phone, phone) if phone else None
        if "locale" in changes:
            cleaned["locale"] = changes["locale"] or Locale.EN
        if "time_zone" in changes:
            cleaned["time_zone"] = check(_check_time_zone, changes["time_zone"] or rules.profile.DEFAULT_TIME_ZONE)
        if "skills" in changes:
            cleaned["skills"] = check(rules.profile.clean_skills, changes["skills"])
    return cleaned


def _check_time_zone(name: str) -> str:
    if name not in _time_zones():
        raise InvalidInput("Enter an IANA time zone such as Asia/Bangkok.", field=("timeZone",))
    return name


@cache
def _time_zones() -> frozenset[str]:
    """The zones of places, and UTC: not the likes of `Factory` and `localtime`, nor abbreviations."""
    return frozenset(name for name in available_timezones() if "/" in name or name == rules.profile.DEFAULT_TIME_ZONE)
