"""The table of identity checks."""

from datetime import date, datetime

from sqlalchemy import Date, Index, text
from sqlmodel import Field

from shared.database.models import enum_field, key_field, text_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base
from subgraphs.users.rules.verification import DocumentType, RejectionReason, Status


class IdentityVerification(Base, table=True):
    """The check of one document.

    `number` and `full_name` are encrypted. `fingerprint` is a keyed hash of kind and number, by which the
    same document on two accounts is found without decrypting.
    """

    __tablename__ = "identity_verifications"
    __table_args__ = (
        Index(
            "identity_verifications_one_pending", "user_id", unique=True, postgresql_where=text("status = 'PENDING'")
        ),
        Index(
            "identity_verifications_one_approved", "user_id", unique=True, postgresql_where=text("status = 'APPROVED'")
        ),
        Index("identity_verifications_by_user", "user_id", "id"),
        Index("identity_verifications_by_status", "status", "id"),
        Index("identity_verifications_by_fingerprint", "fingerprint", "user_id"),
    )

    id: str = key_field(primary_key=True)
    user_id: str = Field(sa_type=KEY, foreign_key="users.id")
    document_type: DocumentType = enum_field(DocumentType)
    country: str | None = text_field()
    number: bytes = Field(sa_type=BYTES)
    last_four: str = text_field()
    fingerprint: bytes = Field(sa_type=BYTES)
    full_name: bytes | None = Field(sa_type=BYTES)
    document_expires_on: date | None = Field(sa_type=Date)
    status: Status = enum_field(Status)
    rejection_reason: RejectionReason | None = enum_field(RejectionReason)
    rejection_note: str | None = text_field()
    submitted_at: datetime = time_field()
    decided_at: datetime | None = time_field()
    decided_by: str | None = Field(sa_type=KEY)
    expires_at: datetime | None = time_field()
    version: int
