"""SQL of reports."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from shared.database.db import Database, any_of, columns_of
from shared.graphql.pagination import Order, Page, Window, fetch_page
from subgraphs.users import models

Report = models.Report

_report_columns = select(*columns_of(Report))
NEWEST = Order("reports.newest", col(Report.id), descending=True)


async def get_report(session: AsyncSession, report_id: str) -> models.Report | None:
    return await session.get(Report, report_id)


async def add_report(session: AsyncSession, report: models.Report) -> None:
    session.add(report)
    await session.flush()


async def load_reports(database: Database, report_ids: Sequence[str]) -> Sequence[models.Report]:
    return await database.rows(Report, _report_columns.where(any_of(col(Report.id), report_ids)))


async def list_reports(database: Database, reporter_id: str, window: Window) -> Page[models.Report]:
    """What a user has reported."""
    return await fetch_page(database, Report, _report_columns.where(col(Report.reporter_id) == reporter_id), window)
