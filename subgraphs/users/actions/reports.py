"""Telling the marketplace what somebody does."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.users import models, rules, store
from subgraphs.users.rules.accounts import Status
from subgraphs.users.rules.reports import ReportReason


async def report_user(
    session: AsyncSession, actor: Actor, user_id: str, reason: ReportReason, text: str
) -> models.Report:
    """Keeps what the actor says of a user, who is not told. Locks both. Raises NotAllowed, NotFound, InvalidInput."""
    rules.blocks.check_not_oneself(actor.id, user_id)
    user = (await store.accounts.lock_users(session, actor.id, user_id, shared=True)).get(user_id)
    if user is None or user.status is Status.ERASED:
        raise NotFound("There is no such user.", field=("userId",))
    text = rules.reports.clean_text(text)
    report = models.Report(
        id=new_id("report"),
        reporter_id=actor.id,
        reported_id=user_id,
        reason=reason,
        text=text,
        created_at=clock.now(),
    )
    await store.reports.add_report(session, report)
    await emit(
        session, events.UserReported(user_id=actor.id, report_id=report.id, reported_id=user_id, reason=str(reason))
    )
    return report
