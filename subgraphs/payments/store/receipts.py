"""SQL of receipts and statements: transactions with all that is told of them."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import col

from shared.database.db import Database
from subgraphs.payments import models
from subgraphs.payments.rules.receipts import Line

_AT_ONCE = 500

_transaction, _refund, _charge = models.Transaction, models.Refund, models.Charge
_escrow, _method, _title = models.Escrow, models.PaymentMethod, models.TaskTitle
_own, _other = aliased(models.Person), aliased(models.Person)
_OTHER_ID = case(
    (col(_escrow.poster_id) == col(_transaction.user_id), col(_escrow.tasker_id)),
    (col(_escrow.tasker_id) == col(_transaction.user_id), col(_escrow.poster_id)),
)
# What a transaction is about is a refund, a charge, an escrow, or nothing that has another party.
_LINES: Select[*tuple[Any, ...]] = (
    select(
        col(_transaction.id),
        col(_transaction.receipt_number),
        col(_transaction.user_id),
        col(_transaction.kind),
        col(_transaction.amount_minor),
        col(_transaction.fee_minor),
        col(_transaction.currency),
        col(_transaction.created_at),
        col(_transaction.task_id),
        col(_title.title).label("task_title"),
        col(_other.display_name).label("other_party"),
        col(_method.brand).label("card_brand"),
        col(_method.last_four).label("card_last_four"),
        col(_own.locale),
        col(_own.time_zone),
    )
    .select_from(_transaction)
    .outerjoin(_refund, col(_refund.id) == col(_transaction.subject_id))
    .outerjoin(_charge, col(_charge.id) == func.coalesce(col(_refund.charge_id), col(_transaction.subject_id)))
    .outerjoin(_escrow, col(_escrow.id) == func.coalesce(col(_charge.escrow_id), col(_transaction.subject_id)))
    # Whom somebody paid by card does not get to see the card.
    .outerjoin(
        _method,
        and_(col(_method.id) == col(_charge.payment_method_id), col(_method.user_id) == col(_transaction.user_id)),
    )
    .outerjoin(_title, col(_title.task_id) == col(_transaction.task_id))
    .outerjoin(_own, col(_own.user_id) == col(_transaction.user_id))
    .outerjoin(_other, col(_other.user_id) == _OTHER_ID)
)


async def find_line(database: Database, transaction_id: str) -> Line | None:
    """A transaction with all that its receipt tells."""
    lines = await database.rows(Line, _LINES.where(col(_transaction.id) == transaction_id))
    return lines[0] if lines else None


async def read_period(
    database: Database, user_id: str, since: datetime, until: datetime
) -> AsyncIterator[Sequence[Line]]:
    """The transactions of a person from `since` up to `until`, the oldest first, some hundreds at a time.

    Between them no connection is held: whoever reads may be slow.
    """
    place = tuple_(col(_transaction.created_at), col(_transaction.id))
    statement = (
        _LINES.where(col(_transaction.user_id) == user_id, col(_transaction.created_at) < until)
        .order_by(col(_transaction.created_at), col(_transaction.id))
        .limit(_AT_ONCE)
    )
    lines = await database.rows(Line, statement.where(col(_transaction.created_at) >= since))
    while lines:
        yield lines
        if len(lines) < _AT_ONCE:
            return
        lines = await database.rows(Line, statement.where(place > (lines[-1].created_at, lines[-1].id)))
