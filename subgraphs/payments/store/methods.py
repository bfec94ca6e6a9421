"""SQL of ways to pay."""

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.database.locks import lock
from subgraphs.payments import models
from subgraphs.payments.rules import charges

Method = models.PaymentMethod
_columns = select(*columns_of(Method))
_USING = (charges.Status.PENDING, charges.Status.ACTION_REQUIRED)


async def lock_wallet(session: AsyncSession, user_id: str) -> Sequence[models.PaymentMethod]:
    """A person's cards, the oldest first; nobody else adds, removes or chooses one of them until commit."""
    # By name: the first card has no row to lock yet.
    await lock(session, "wallet", user_id)
    statement = (
        select(Method)
        .where(col(Method.user_id) == user_id, col(Method.removed_at).is_(None))
        .order_by(col(Method.id))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(statement)).all()


async def get_method(session: AsyncSession, method_id: str) -> models.PaymentMethod | None:
    return await session.get(Method, method_id)


async def get_default(session: AsyncSession, user_id: str) -> models.PaymentMethod | None:
    statement = select(Method).where(
        col(Method.user_id) == user_id, col(Method.removed_at).is_(None), col(Method.is_default)
    )
    return (await session.scalars(statement)).one_or_none()


async def is_in_use(session: AsyncSession, method_id: str) -> bool:
    """Whether a charge is being made with a card."""
    using = exists().where(col(models.Charge.payment_method_id) == method_id, col(models.Charge.status).in_(_USING))
    return bool(await session.scalar(select(using)))


async def list_methods(database: Database, user_id: str) -> Sequence[models.PaymentMethod]:
    """A person's cards, the oldest first."""
    statement = _columns.where(col(Method.user_id) == user_id, col(Method.removed_at).is_(None))
    return await database.rows(Method, statement.order_by(col(Method.id)))


async def load_methods(database: Database, method_ids: Sequence[str]) -> Sequence[models.PaymentMethod]:
    return await database.rows(Method, _columns.where(any_of(col(Method.id), method_ids)))


async def add_customer(session: AsyncSession, customer: models.Customer) -> None:
    """Does nothing if the person is a customer already."""
    await session.execute(insert(models.Customer).values(**customer.model_dump()).on_conflict_do_nothing())


async def get_customer(session: AsyncSession, user_id: str, provider: str) -> models.Customer | None:
    return await session.get(models.Customer, (user_id, provider))


async def lock_customer(session: AsyncSession, user_id: str, provider: str) -> models.Customer | None:
    return await session.get(models.Customer, (user_id, provider), with_for_update=True, populate_existing=True)


async def get_setup(session: AsyncSession, setup_id: str) -> models.Setup | None:
    return await session.get(models.Setup, setup_id)


async def lock_setup(session: AsyncSession, setup_id: str) -> models.Setup | None:
    return await session.get(models.Setup, setup_id, with_for_update=True, populate_existing=True)
