"""Changing one's own profile."""

from typing import Self

import strawberry
from strawberry import UNSET

from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from subgraphs.users import actions, models
from subgraphs.users.schema.user import Info, User


@strawberry.input(description="What to change of one's profile; what is left out stays as it is.")
class UpdateProfileInput:
    display_name: str | None = strawberry.field(default=UNSET, description="1 to 60 characters; cannot be cleared.")
    bio: str | None = strawberry.field(default=UNSET, description="At most 1,000 characters; null clears it.")
    avatar_url: str | None = strawberry.field(
        default=UNSET, description="An `https` address on a public host; null clears it."
    )
    expected_version: int | None = strawberry.field(
        default=None,
        description="The `version` that you saw; `VERSION_CONFLICT` if the account changed since.",
    )


@strawberry.type(description="The outcome of `updateProfile`.")
class UpdateProfilePayload:
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


@strawberry.type
class ProfileMutation:
    @mutation(description="Changes one's own public profile.")
    async def update_profile(self, info: Info, input: UpdateProfileInput) -> UpdateProfilePayload:
        actor = info.context.require_actor()
        changes: actions.profile.ProfileChanges = {}
        if input.display_name is not UNSET:
            changes["display_name"] = input.display_name or ""
        if input.bio is not UNSET:
            changes["bio"] = input.bio
        if input.avatar_url is not UNSET:
            changes["avatar_url"] = input.avatar_url
        async with info.context.transaction() as session:
            row = await actions.profile.update_profile(session, actor, changes, input.expected_version)
        return UpdateProfilePayload.of(row)
