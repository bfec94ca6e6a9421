"""Changing one's own profile."""

from typing import Self

import strawberry
from strawberry import UNSET

from shared.graphql.acting import act
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from shared.locale import Locale
from subgraphs.users import actions, models
from subgraphs.users.schema.user import Info, User

EXPECTED_VERSION = "The `version` that you saw; `VERSION_CONFLICT` if the account changed since."


@strawberry.input(description="What to change of one's profile; what is left out stays as it is.")
class UpdateProfileInput:
    display_name: str | None = strawberry.field(default=UNSET, description="1 to 60 characters; cannot be cleared.")
    bio: str | None = strawberry.field(default=UNSET, description="At most 1,000 characters; null clears it.")
    avatar_url: str | None = strawberry.field(
        default=UNSET, description="An `https` address on a public host; null clears it."
    )
    phone: str | None = strawberry.field(
        default=UNSET,
        description="A phone number with its country code, such as `+66 81 234 5678`, which only oneself and admins "
        "see; null clears it.",
    )
    locale: Locale | None = strawberry.field(default=UNSET, description="The language to be written to in; null: `EN`.")
    time_zone: str | None = strawberry.field(
        default=UNSET, description="An IANA time zone, such as `Asia/Bangkok`; null: `UTC`."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED_VERSION)

    def parse(self) -> actions.profile.ProfileChanges:
        """What was given."""
        changes: actions.profile.ProfileChanges = {}
        if self.display_name is not UNSET:
            changes["display_name"] = self.display_name or ""
        if self.bio is not UNSET:
            changes["bio"] = self.bio
        if self.avatar_url is not UNSET:
            changes["avatar_url"] = self.avatar_url
        if self.phone is not UNSET:
            changes["phone"] = self.phone
        if self.locale is not UNSET:
            changes["locale"] = self.locale
        if self.time_zone is not UNSET:
            changes["time_zone"] = self.time_zone
        return changes


@strawberry.input(description="What one can do.")
class SetSkillsInput:
    skills: list[str] = strawberry.field(
        description="All of them, at most 20 of 2 to 40 characters each, the most important first; one that is named "
        "twice, in whatever case, counts once. An empty list clears them."
    )
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED_VERSION)


@strawberry.type(description="The outcome of what changes one's own profile.")
class ProfilePayload:
    user: User | None = strawberry.field(
        default=None,
        description="The account after it; null if it was refused, except for `VERSION_CONFLICT`.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.User) -> Self:
        return cls(user=User.of(row))


@strawberry.type(description="The outcome of `updateProfile`.")
class UpdateProfilePayload(ProfilePayload): ...


@strawberry.type(description="The outcome of `setSkills`.")
class SetSkillsPayload(ProfilePayload): ...


@strawberry.type
class ProfileMutation:
    @mutation(description="Changes what is given of one's own profile.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> UpdateProfilePayload:
        row = await act(info, actions.profile.update_profile, input.parse(), input.expected_version)
        return UpdateProfilePayload.of(row)

    @mutation(description="Says what one can do, in place of what was said before.")
    async def set_skills(self, info: Info, input: SetSkillsInput) -> SetSkillsPayload:
        changes: actions.profile.ProfileChanges = {"skills": input.skills}
        row = await act(info, actions.profile.update_profile, changes, input.expected_version)
        return SetSkillsPayload.of(row)
