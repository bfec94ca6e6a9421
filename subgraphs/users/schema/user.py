"""A person of the marketplace, as others and they themselves see them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared import clock
from shared.context import Context
from shared.graphql.entities import Node, entity
from shared.graphql.ids import UserId
from shared.graphql.schema import field, query
from shared.graphql.types import register_enum
from shared.identity.actor import MARKETPLACE, Role
from shared.locale import Locale
from subgraphs.users import models, rules
from subgraphs.users.loaders import Loaders
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.badges import BadgeKind
from subgraphs.users.schema.second_factor import SecondFactor

Info = strawberry.Info[Context[Loaders], None]


register_enum(
    Status,
    name="UserStatus",
    description="Where an account stands.",
    values={
        Status.PENDING_VERIFICATION: "Signed up; the e-mail address is not verified yet.",
        Status.ACTIVE: "In good standing.",
        Status.SUSPENDED: "Shut out by an admin for a time.",
        Status.ERASED: "The person left and their data is gone.",
    },
)
register_enum(
    Role,
    name="UserRole",
    description="What a person may do; one person can hold several.",
    values={
        Role.POSTER: "Posts tasks and chooses among bids.",
        Role.TASKER: "Bids on tasks and does them.",
        Role.SUPPORT: "Works on tickets and disputes; never by sign-up.",
        Role.ADMIN: "Runs the marketplace; never by sign-up.",
    },
)


@strawberry.type(description="Why somebody is shut out. Only admins and the person themselves see it.")
class Suspension:
    at: datetime = strawberry.field(description="Since when.")
    reason: str = strawberry.field(description="What happened, as the admin wrote it.")


register_enum(
    BadgeKind,
    description="What somebody has proved.",
    values={
        BadgeKind.EMAIL: "The e-mail address is theirs.",
        BadgeKind.IDENTITY: "They are who they say, by a document that was checked.",
        BadgeKind.PAYMENT: "They pay by a method that was charged.",
    },
)


@strawberry.type(description="Something that somebody has proved.")
class Badge:
    kind: BadgeKind = strawberry.field(description="What was proved.")
    awarded_at: datetime = strawberry.field(description="When it was proved.")


@strawberry.type(description="How a person wants to be written to.")
class UserPreferences:
    locale: Locale = strawberry.field(description="The language of what is sent to them.")
    time_zone: str = strawberry.field(description="Where their days begin: an IANA time zone such as `Asia/Bangkok`.")


@entity(description="A person of the marketplace.")
class User(Node):
    id: ID = strawberry.field(description="The user's id.")
    display_name: str = strawberry.field(description="What everybody calls them.")
    bio: str | None = strawberry.field(description="What they say about themselves.")
    avatar_url: str | None = strawberry.field(description="A picture of them; always `https`.")
    skills: list[str] = strawberry.field(description="What they say they can do, the most important first.")
    badges: list[Badge] = strawberry.field(description="What they have proved.")
    is_verified: bool = strawberry.field(description="Whether a document of theirs was checked and still counts.")
    status: Status = strawberry.field(description="Where the account stands.")
    member_since: datetime = strawberry.field(description="When they signed up.")
    version: int = strawberry.field(description="Counts the account's changes; `updateProfile` takes it.")
    private_email: strawberry.Private[str | None]
    private_roles: strawberry.Private[list[Role]]
    private_phone: strawberry.Private[str | None]
    private_preferences: strawberry.Private[UserPreferences]
    private_suspension: strawberry.Private[Suspension | None]
    private_email_verified_at: strawberry.Private[datetime | None]
    is_told_themselves: strawberry.Private[bool] = False

    @classmethod
    def of(cls, row: models.User, *, to_themselves: bool = False) -> Self:
        """`to_themselves`: to who has just shown to be this user, whatever the request's token says."""
        return cls(
            id=ID(row.id),
            display_name=rules.accounts.public_name(row.status, row.display_name),
            bio=row.bio,
            avatar_url=row.avatar_url,
            skills=list(row.skills),
            badges=[Badge(kind=each.kind, awarded_at=each.awarded_at) for each in badges_of(row)],
            is_verified=rules.badges.is_verified(row.identity_verified_at, row.identity_verified_until, clock.now()),
            status=row.status,
            member_since=row.created_at,
            version=row.version,
            private_email=row.email,
            private_roles=rules.accounts.parse_roles(row.roles),
            private_phone=row.phone,
            private_preferences=UserPreferences(locale=row.locale, time_zone=row.time_zone),
            private_suspension=Suspension(at=row.suspended_at, reason=row.suspension_reason or "")
            if row.suspended_at is not None
            else None,
            private_email_verified_at=row.email_verified_at,
            is_told_themselves=to_themselves,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["User | None"]:
        return await find_users(info, ids)

    @field(description="The e-mail address; null unless it is one's own or the caller has the admin scope.")
    async def email(self, info: Info) -> str | None:
        return self.private_email if self._shows_private(info) else None

    @field(description="The roles; null unless they are one's own or the caller has the admin scope.")
    async def roles(self, info: Info) -> list[Role] | None:
        return self.private_roles if self._shows_private(info) else None

    @field(description="The phone number in E.164 form; null unless it is one's own or the caller has the admin scope.")
    async def phone(self, info: Info) -> str | None:
        return self.private_phone if self._shows_private(info) else None

    @field(description="Language and time zone; null unless they are one's own or the caller has the admin scope.")
    async def preferences(self, info: Info) -> UserPreferences | None:
        return self.private_preferences if self._shows_private(info) else None

    @field(description="The suspension; null without one, and to everybody but themselves and admins.")
    async def suspension(self, info: Info) -> Suspension | None:
        return self.private_suspension if self._shows_private(info) else None

    @field(
        description="When the e-mail address was shown to be theirs; null until then, and to everybody but themselves "
        "and admins."
    )
    async def email_verified_at(self, info: Info) -> datetime | None:
        return self.private_email_verified_at if self._shows_private(info) else None

    @field(
        description="What logins take besides the password; null without one, and unless it is one's own or the "
        "caller has the admin scope."
    )
    async def second_factor(self, info: Info) -> SecondFactor | None:
        if not self._shows_private(info):
            return None
        active = await info.context.loaders.second_factor_by_user_id.load(self.id)
        own = self.is_told_themselves or info.context.require_actor().id == self.id
        return SecondFactor.of(active, own=own) if active else None

    def _shows_private(self, info: Info) -> bool:
        if self.is_told_themselves:
            return True
        actor = info.context.actor
        return actor is not None and rules.accounts.may_see_private(actor.id, actor.scopes, self.id)


def badges_of(row: models.User) -> list[rules.badges.Badge]:
    return rules.badges.badges(
        email_verified_at=row.email_verified_at,
        identity_verified_at=row.identity_verified_at,
        identity_verified_until=row.identity_verified_until,
        now=clock.now(),
    )


async def find_users(info: Info, user_ids: Sequence[str]) -> Sequence[User | None]:
    rows = await info.context.loaders.user_by_id.load_many(user_ids)
    return [User.of(row) if row else None for row in rows]


async def find_user(info: Info, user_id: str) -> User | None:
    return (await find_users(info, [user_id]))[0]


@strawberry.type
class UserQuery:
    @query(description="The signed-in user.", scope=MARKETPLACE)
    async def me(self, info: Info) -> User | None:
        return await find_user(info, info.context.require_actor().id)

    @query(description="A user; null if there is none with this id.")
    async def user(
        self, info: Info, id: Annotated[UserId, strawberry.argument(description="The user's id.")]
    ) -> User | None:
        return await find_user(info, id)
