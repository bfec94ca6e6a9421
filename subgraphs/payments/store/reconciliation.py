"""SQL of the comparison of books and provider."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Select, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.money import CurrencyCode
from subgraphs.payments import models
from subgraphs.payments.provider.port import PayoutStatus
from subgraphs.payments.rules.ledger import AccountKind, Side
from subgraphs.payments.rules.reconciliation import Difference, Moved

_charge, _refund, _payout, _chargeback = models.Charge, models.Refund, models.Payout, models.Chargeback
_entry, _booked, _account = models.LedgerEntry, models.LedgerTransaction, models.LedgerAccount


async def load_moved(database: Database, provider: str, since: datetime) -> Mapping[str, Moved]:
    """What the books say moved our balance at the provider since then, by the provider's ids."""
    object_id = func.coalesce(
        col(_charge.provider_id), col(_refund.provider_id), col(_payout.provider_id), col(_chargeback.provider_id)
    )
    signed = case((col(_entry.side) == Side.DEBIT, col(_entry.amount_minor)), else_=-col(_entry.amount_minor))
    statement: Select[*tuple[object, ...]] = (
        select(
            object_id.label("object_id"),
            col(_account.currency).label("currency"),
            func.sum(signed).label("minor"),
            func.max(col(_booked.created_at)).label("last_at"),
            func.min(col(_booked.subject_id)).label("subject_id"),
        )
        .select_from(_entry)
        .join(_account, col(_account.id) == col(_entry.account_id))
        .join(_booked, col(_booked.id) == col(_entry.transaction_id))
        .outerjoin(_charge, (col(_charge.id) == col(_booked.subject_id)) & (col(_charge.provider) == provider))
        .outerjoin(_refund, (col(_refund.id) == col(_booked.subject_id)) & (col(_refund.provider) == provider))
        .outerjoin(_payout, (col(_payout.id) == col(_booked.subject_id)) & (col(_payout.provider) == provider))
        .outerjoin(
            _chargeback, (col(_chargeback.id) == col(_booked.subject_id)) & (col(_chargeback.provider) == provider)
        )
        .where(col(_account.kind) == AccountKind.CLEARING, col(_booked.created_at) >= since, object_id.is_not(None))
        .group_by(object_id, col(_account.currency))
    )
    rows = await database.fetch(statement)
    return {
        str(row.object_id): Moved(str(row.object_id), row.currency, int(row.minor), row.last_at, str(row.subject_id))
        for row in rows
    }


async def list_pending(database: Database, provider: str) -> Collection[str]:
    """The provider's ids of what is still open here."""
    open_ids = select(col(models.Settlement.subject_id))
    found: set[str] = set()
    for model in (_charge, _refund, _payout, _chargeback):
        is_open = or_(
            col(model.id).in_(open_ids),
            col(model.provider_id).in_(open_ids),
            col(_payout.status) == PayoutStatus.PENDING if model is _payout else literal(value=False),
        )
        statement = select(col(model.provider_id)).where(col(model.provider) == provider, is_open)
        found.update(str(object_id) for (object_id,) in await database.fetch(statement) if object_id is not None)
    return found


async def load_clearing(database: Database) -> Mapping[CurrencyCode, int]:
    """What the provider holds for us, as the books say, by currency."""
    statement = select(col(_account.currency), col(_account.balance_minor)).where(
        col(_account.kind) == AccountKind.CLEARING
    )
    return {row.currency: row.balance_minor for row in await database.fetch(statement)}


async def save_differences(
    session: AsyncSession, provider: str, found: Sequence[Difference], now: datetime
) -> Sequence[str]:
    """Writes down what differs, and of the rest that it agrees again; answers what was not known to differ."""
    ids = [each.object_id for each in found]
    table = models.Difference
    is_found, differs = any_of(col(table.object_id), ids), col(table.agreed_at).is_(None)
    await session.execute(
        update(table).where(col(table.provider) == provider, ~is_found, differs).values(agreed_at=now)
    )
    known = select(col(table.object_id)).where(col(table.provider) == provider, is_found, differs)
    before = set((await session.scalars(known)).all())
    if found:
        rows = [{**asdict(each), "provider": provider, "found_at": now, "seen_at": now} for each in found]
        statement = insert(table)
        values = {name: statement.excluded[name] for name in rows[0] if name != "found_at"}
        statement = statement.on_conflict_do_update(
            index_elements=["provider", "object_id"], set_={**values, "agreed_at": None}
        )
        await session.execute(statement, rows)
    return [object_id for object_id in ids if object_id not in before]


async def list_differences(database: Database) -> Sequence[models.Difference]:
    """What differs now, the oldest first."""
    table = models.Difference
    statement = select(*columns_of(table)).where(col(table.agreed_at).is_(None)).order_by(col(table.found_at))
    return await database.rows(table, statement)
