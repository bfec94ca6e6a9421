"""All SQL of bids.

Lock order everywhere: the task's row, then the bid's, then that of the pair of people, then the invitation's, then
(in `emit`) the stream's; offers are written under their bid's lock. Reading the task FOR SHARE lets bids of one task be
placed and changed side by side; FOR UPDATE stops them all.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page, page_by_parent
from subgraphs.bids import models
from subgraphs.bids.rules.bids import LIVE, WINNING, Deal, Status

Bid, Offer, Invitation = models.Bid, models.Offer, models.Invitation
NEWEST = Order("bids.newest", col(Bid.id), descending=True)
NEWEST_INVITATIONS = Order("invitations.newest", col(Invitation.id), descending=True)
_bid_columns = select(*columns_of(Bid))
_offer_columns = select(*columns_of(Offer))
_invitation_columns = select(*columns_of(Invitation))


class Sort(StrEnum):
    """How the bids of a task are sorted."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    AMOUNT_ASC = "AMOUNT_ASC"
    AMOUNT_DESC = "AMOUNT_DESC"


ORDERS = {
    Sort.NEWEST: NEWEST,
    Sort.OLDEST: Order("bids.oldest", col(Bid.id)),
    # All bids of a task are in one currency.
    Sort.AMOUNT_ASC: Order("bids.amount_asc", col(Bid.amount_minor), col(Bid.id)),
    Sort.AMOUNT_DESC: Order("bids.amount_desc", col(Bid.amount_minor), col(Bid.id), descending=True),
}


async def lock_task(session: AsyncSession, task_id: str, *, shared: bool = False) -> models.Task | None:
    """The local copy of a task, locked: `shared` against decisions, otherwise against everything."""
    return await session.get(models.Task, task_id, with_for_update={"read": shared}, populate_existing=True)


async def lock_bid(session: AsyncSession, bid_id: str) -> models.Bid | None:
    return await session.get(Bid, bid_id, with_for_update=True, populate_existing=True)


async def get_bid(session: AsyncSession, bid_id: str) -> models.Bid | None:
    return await session.get(Bid, bid_id)


async def get_winner(session: AsyncSession, task_id: str) -> models.Bid | None:
    """The accepted or awarded bid of a task; hold the task's lock."""
    return await session.scalar(select(Bid).where(col(Bid.task_id) == task_id, col(Bid.status).in_(WINNING)))


async def has_live_bid(session: AsyncSession, task_id: str, tasker_id: str) -> bool:
    """Whether the tasker has a live bid on the task; hold the task's lock."""
    live = exists().where(col(Bid.task_id) == task_id, col(Bid.tasker_id) == tasker_id, models.IS_LIVE)
    return bool(await session.scalar(select(live)))


async def lock_pending_bids(session: AsyncSession, task_id: str) -> Sequence[models.Bid]:
    """All pending bids of a task, locked in the order of their ids."""
    statement = (
        select(Bid)
        .where(col(Bid.task_id) == task_id, col(Bid.status) == Status.PENDING)
        .order_by(col(Bid.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def list_pending_bids_of(session: AsyncSession, tasker_id: str) -> Sequence[models.Bid]:
    """All pending bids of a tasker, in the order of their tasks, whose rows are to be locked first."""
    statement = (
        select(Bid)
        .where(col(Bid.tasker_id) == tasker_id, col(Bid.status) == Status.PENDING)
        .order_by(col(Bid.task_id), col(Bid.id))
    )
    return (await session.scalars(statement)).all()


async def add_bid(session: AsyncSession, bid: models.Bid) -> bool:
    """False, and nothing added, if the tasker has a live bid on the task already."""
    statement = (
        insert(Bid)
        .values(**bid.model_dump())
        .on_conflict_do_nothing(index_elements=["task_id", "tasker_id"], index_where=models.IS_LIVE)
        .returning(col(Bid.id))
    )
    return await session.scalar(statement) is not None


async def get_newest_offer(session: AsyncSession, bid_id: str) -> models.Offer | None:
    """The last offer that was made for a bid, which is the open one if there is one; hold the bid's lock."""
    statement = select(Offer).where(col(Offer.bid_id) == bid_id).order_by(col(Offer.id).desc()).limit(1)
    return await session.scalar(statement.execution_options(populate_existing=True))


async def get_invitation(session: AsyncSession, invitation_id: str) -> models.Invitation | None:
    return await session.get(Invitation, invitation_id)


async def get_invitation_of(session: AsyncSession, task_id: str, tasker_id: str) -> models.Invitation | None:
    """The invitation of a tasker to a task."""
    statement = select(Invitation).where(col(Invitation.task_id) == task_id, col(Invitation.tasker_id) == tasker_id)
    return await session.scalar(statement)


async def lock_invitation(session: AsyncSession, invitation_id: str) -> models.Invitation | None:
    return await session.get(Invitation, invitation_id, with_for_update=True, populate_existing=True)


async def count_invitations(session: AsyncSession, task_id: str) -> int:
    """How many taskers are invited to a task; hold the task's lock."""
    statement = select(func.count()).select_from(Invitation).where(col(Invitation.task_id) == task_id)
    return await session.scalar(statement) or 0


async def accept_invitation(session: AsyncSession, bid: models.Bid) -> None:
    """Notes for the invitation of the bidder, if there is one, that they have bid."""
    invited = (col(Invitation.task_id) == bid.task_id, col(Invitation.tasker_id) == bid.tasker_id)
    await session.execute(update(Invitation).where(*invited).values(bid_id=bid.id))


async def get_tasker(session: AsyncSession, user_id: str) -> models.Tasker | None:
    """What is known of whether somebody looks for work."""
    return await session.get(models.Tasker, user_id)


async def save_task(session: AsyncSession, task: models.Task) -> None:
    """Writes the local copy of a task, unless there is a newer one."""
    values = task.model_dump()
    await session.execute(
        insert(models.Task)
        .values(**values)
        .on_conflict_do_update(index_elements=["id"], set_=values, where=col(models.Task.version) <= values["version"])
    )


async def load_bids(database: Database, bid_ids: Sequence[str]) -> Sequence[models.Bid]:
    return await database.rows(Bid, _bid_columns.where(any_of(col(Bid.id), bid_ids)))


async def load_deals(database: Database, task_ids: Sequence[str]) -> Sequence[Deal]:
    """What decides about the bids of each of these tasks."""
    is_taken = exists().where(col(Bid.task_id) == col(models.Task.id), col(Bid.status).in_(WINNING))
    statement = select(
        col(models.Task.id), col(models.Task.status), col(models.Task.expires_at), is_taken.label("is_taken")
    ).where(any_of(col(models.Task.id), task_ids))
    return await database.rows(Deal, statement)


async def load_bid_counts(database: Database, task_ids: Sequence[str]) -> Mapping[str, int]:
    """How many live bids each task has."""
    statement = (
        select(col(Bid.task_id), func.count().label("bid_count"))
        .where(any_of(col(Bid.task_id), task_ids), col(Bid.status).in_(LIVE))
        .group_by(col(Bid.task_id))
    )
    return {row.task_id: row.bid_count for row in await database.fetch(statement)}


async def load_newest_bids_of(database: Database, tasker_id: str, task_ids: Sequence[str]) -> Sequence[models.Bid]:
    """The newest bid of a tasker on each of these tasks."""
    statement = (
        _bid_columns.where(col(Bid.tasker_id) == tasker_id, any_of(col(Bid.task_id), task_ids))
        .ext(distinct_on(col(Bid.task_id)))
        .order_by(col(Bid.task_id), col(Bid.id).desc())
    )
    return await database.rows(Bid, statement)


async def list_bids_of(database: Database, tasker_id: str, window: Window) -> Page[models.Bid]:
    """The bids of one tasker."""
    return await fetch_page(database, Bid, _bid_columns.where(col(Bid.tasker_id) == tasker_id), window)


async def load_bid_pages(
    database: Database, viewer_id: str, keys: Sequence[tuple[str, Window]]
) -> list[Page[models.Bid]]:
    """For each task the bids that `viewer_id` may see: all of their own task, else their own."""
    # `rules.bids.may_see` in SQL.
    seen = _bid_columns.where(or_(col(Bid.poster_id) == viewer_id, col(Bid.tasker_id) == viewer_id))
    return await page_by_parent(database, Bid, seen, col(Bid.task_id), keys)


async def load_offers(database: Database, offer_ids: Sequence[str]) -> Sequence[models.Offer]:
    return await database.rows(Offer, _offer_columns.where(any_of(col(Offer.id), offer_ids)))


async def load_offers_of(database: Database, bid_ids: Sequence[str]) -> Sequence[models.Offer]:
    """All offers of each of these bids, the oldest first."""
    statement = _offer_columns.where(any_of(col(Offer.bid_id), bid_ids))
    return await database.rows(Offer, statement.order_by(col(Offer.bid_id), col(Offer.id)))


async def load_invitations(database: Database, invitation_ids: Sequence[str]) -> Sequence[models.Invitation]:
    return await database.rows(Invitation, _invitation_columns.where(any_of(col(Invitation.id), invitation_ids)))


async def load_invitations_to(
    database: Database, poster_id: str, task_ids: Sequence[str]
) -> Sequence[models.Invitation]:
    """All invitations to each of these tasks that `poster_id` made, the newest first."""
    statement = _invitation_columns.where(
        any_of(col(Invitation.task_id), task_ids), col(Invitation.poster_id) == poster_id
    )
    return await database.rows(Invitation, statement.order_by(col(Invitation.task_id), col(Invitation.id).desc()))


async def list_invitations_of(database: Database, tasker_id: str, window: Window) -> Page[models.Invitation]:
    """The invitations that one tasker got."""
    statement = _invitation_columns.where(col(Invitation.tasker_id) == tasker_id)
    return await fetch_page(database, Invitation, statement, window)
