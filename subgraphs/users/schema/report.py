"""Reporting people, and what one has reported."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.acting import IDEMPOTENCY_KEY, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.ids import UserId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import UserError, register_enum
from shared.identity.actor import MARKETPLACE
from subgraphs.users import actions, models, store
from subgraphs.users.rules.reports import ReportReason
from subgraphs.users.schema.user import Info, User, find_user

QUOTAS = [Quota("reports", "reports_per_address"), Quota("reports account", "reports_per_account", by_actor)]

register_enum(
    ReportReason,
    description="What somebody is reported for.",
    values={
        ReportReason.SPAM: "They advertise, or post the same thing again and again.",
        ReportReason.FRAUD: "They deceive people about money or work.",
        ReportReason.HARASSMENT: "They insult, threaten or pester people.",
        ReportReason.PAYMENT_OUTSIDE: "They ask to be paid, or to pay, outside of the marketplace.",
        ReportReason.FALSE_IDENTITY: "They pretend to be somebody else.",
        ReportReason.OTHER: "Something else; the text says what.",
    },
)


@entity(description="What the caller told the marketplace about somebody, who is not told.")
class UserReport(Node):
    id: ID = strawberry.field(description="The report's id.")
    reported_id: strawberry.Private[str]
    reason: ReportReason = strawberry.field(description="What they are reported for.")
    text: str = strawberry.field(description="What happened, as the caller wrote it.")
    created_at: datetime = strawberry.field(description="When it was reported.")

    @classmethod
    def of(cls, row: models.Report) -> Self:
        return cls(
            id=ID(row.id), reported_id=row.reported_id, reason=row.reason, text=row.text, created_at=row.created_at
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["UserReport | None"]:
        rows = await info.context.loaders.report_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.reporter_id) else None for row in rows]

    @field(description="Who is reported.")
    async def user(self, info: Info) -> User | None:
        return await find_user(info, self.reported_id)


@strawberry.input(description="Whom to report, and for what.")
class ReportUserInput:
    user_id: UserId = strawberry.field(description="Somebody else.")
    reason: ReportReason = strawberry.field(description="What they are reported for.")
    text: str = strawberry.field(description="What happened, 10 to 2,000 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.type(description="The outcome of `reportUser`.")
class ReportUserPayload:
    report: UserReport | None = strawberry.field(default=None, description="The report; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class ReportQuery:
    @query(description="What the caller has reported, newest first.", scope=MARKETPLACE)
    async def my_reports(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[UserReport] | None:
        window = store.reports.NEWEST.window(first, after, last, before)
        page = await store.reports.list_reports(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, UserReport.of)


@strawberry.type
class ReportMutation:
    @mutation(description="Tells the marketplace what somebody does. They are not told.", quotas=QUOTAS)
    async def report_user(self, info: Info, input: ReportUserInput) -> ReportUserPayload:
        row = await act_once(
            info,
            input,
            store.reports.get_report,
            actions.reports.report_user,
            input.user_id,
            input.reason,
            input.text,
        )
        return ReportUserPayload(report=UserReport.of(row))
