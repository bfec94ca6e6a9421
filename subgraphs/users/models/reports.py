"""The table of reports."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field

from shared.database.models import enum_field, key_field, text_field, time_field
from subgraphs.users.models.base import KEY, Base
from subgraphs.users.rules.reports import ReportReason


class Report(Base, table=True):
    """What `reporter_id` says of `reported_id`."""

    __tablename__ = "reports"
    __table_args__ = (
        Index("reports_by_reporter", "reporter_id", "id"),
        Index("reports_by_reported", "reported_id"),
        CheckConstraint("reporter_id <> reported_id", name="reports_not_oneself"),
    )

    id: str = key_field(primary_key=True)
    reporter_id: str = Field(sa_type=KEY, foreign_key="users.id")
    reported_id: str = Field(sa_type=KEY, foreign_key="users.id")
    reason: ReportReason = enum_field(ReportReason)
    text: str = text_field()
    created_at: datetime = time_field()
