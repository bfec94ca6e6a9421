"""Proving who one is by a document, and the queue of the admins who check them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self

import strawberry
from strawberry import ID

from shared import clock
from shared.graphql.acting import IDEMPOTENCY_KEY, act
from shared.graphql.entities import Node, entity
from shared.graphql.ids import VerificationId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import UserError, register_enum
from shared.idempotency import idempotent
from shared.identity.actor import ADMIN, MARKETPLACE
from subgraphs.users import actions, models, rules, store
from subgraphs.users.rules.verification import DocumentType, RejectionReason, Status
from subgraphs.users.schema.user import Info, User, find_user
from subgraphs.users.secrets_at_rest import cipher

register_enum(
    DocumentType,
    name="IdentityDocumentType",
    description="A document that tells who somebody is.",
    values={
        DocumentType.NATIONAL_ID: "An identity card of a country.",
        DocumentType.PASSPORT: "A passport.",
        DocumentType.DRIVER_LICENSE: "A driver's license.",
    },
)
register_enum(
    Status,
    name="IdentityVerificationStatus",
    description="Where the check of a document stands.",
    values={
        Status.PENDING: "Waits for an admin.",
        Status.APPROVED: "Counts as proof until it expires.",
        Status.REJECTED: "Was not accepted; another document can be submitted.",
        Status.EXPIRED: "Was proof once: its time is over, or a newer document took its place.",
    },
)
register_enum(
    RejectionReason,
    name="IdentityRejectionReason",
    description="Why a document was not accepted.",
    values={
        RejectionReason.INVALID_NUMBER: "There is no document with this number.",
        RejectionReason.NAME_MISMATCH: "The document is in another name.",
        RejectionReason.DOCUMENT_EXPIRED: "The document has expired.",
        RejectionReason.DOCUMENT_NOT_SUPPORTED: "Documents of this kind or country cannot be checked.",
        RejectionReason.CANNOT_CONFIRM: "It could not be confirmed that the document is theirs.",
    },
)


@entity(description="The check of a document. Its owner and admins see it.")
class IdentityVerification(Node):
    id: ID = strawberry.field(description="The verification's id.")
    document_type: DocumentType = strawberry.field(description="What was submitted.")
    country: str | None = strawberry.field(description="The country that issued it, by its ISO 3166-1 code.")
    last_four: str = strawberry.field(description="The last four characters of its number.")
    document_expires_on: date | None = strawberry.field(description="The last day on which the document is valid.")
    status: Status = strawberry.field(description="Where the check stands.")
    rejection_reason: RejectionReason | None = strawberry.field(description="Why it was rejected, if it was.")
    rejection_note: str | None = strawberry.field(description="What the admin said besides, if anything.")
    submitted_at: datetime = strawberry.field(description="When it was submitted.")
    decided_at: datetime | None = strawberry.field(description="When an admin decided; null before.")
    expires_at: datetime | None = strawberry.field(description="When an approval ends; null without one.")
    version: int = strawberry.field(description="Counts its changes; what decides on it takes it.")
    user_id: strawberry.Private[str]

    @classmethod
    def of(cls, row: models.IdentityVerification) -> Self:
        return cls(
            id=ID(row.id),
            document_type=row.document_type,
            country=row.country,
            last_four=row.last_four,
            document_expires_on=row.document_expires_on,
            status=rules.verification.shown_status(row.status, row.expires_at, clock.now()),
            rejection_reason=row.rejection_reason,
            rejection_note=row.rejection_note,
            submitted_at=row.submitted_at,
            decided_at=row.decided_at,
            expires_at=row.expires_at,
            version=row.version,
            user_id=row.user_id,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["IdentityVerification | None"]:
        rows = await info.context.loaders.verification_by_id.load_many(ids)
        is_admin = _is_admin(info)
        return [cls.of(row) if row and (is_admin or info.context.is_actor(row.user_id)) else None for row in rows]

    @field(description="Whose document it is.")
    async def user(self, info: Info) -> User | None:
        return await find_user(info, self.user_id)

    @field(description="How many other accounts submitted the same document; null unless the caller is an admin.")
    async def other_accounts(self, info: Info) -> int | None:
        if not _is_admin(info):
            return None
        return await info.context.loaders.other_accounts_by_verification_id.load(self.id)


def _is_admin(info: Info) -> bool:
    actor = info.context.actor
    return actor is not None and ADMIN in actor.scopes


@strawberry.input(description="Which verifications to list; what is left out leaves all.")
class IdentityVerificationFilter:
    status: Status | None = strawberry.field(default=None, description="Only those that stand like this.")


@strawberry.input(description="A document that tells who one is.")
class SubmitIdentityVerificationInput:
    document_type: DocumentType = strawberry.field(description="What it is.")
    number: str = strawberry.field(
        description="Its number, 6 to 20 letters and digits, with or without spaces, dots and hyphens. It is stored "
        "encrypted; only admins who check it see more than its end."
    )
    country: str | None = strawberry.field(
        default=None, description="The country that issued it, by its ISO 3166-1 code, such as `TH`."
    )
    full_name: str | None = strawberry.field(
        default=None, description="The name in the document, 2 to 120 characters; stored encrypted like the number."
    )
    document_expires_on: date | None = strawberry.field(
        default=None, description="The last day on which the document is valid; not in the past."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The document to accept.")
class ApproveIdentityVerificationInput:
    verification_id: VerificationId = strawberry.field(description="A pending verification of somebody else.")
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if it changed since."
    )


@strawberry.input(description="The document not to accept, and why.")
class RejectIdentityVerificationInput:
    verification_id: VerificationId = strawberry.field(description="A pending verification of somebody else.")
    reason: RejectionReason = strawberry.field(description="Why; its owner is told.")
    note: str | None = strawberry.field(
        default=None, description="What else its owner should know, 3 to 500 characters; no document numbers."
    )
    expected_version: int = strawberry.field(
        description="The `version` that you saw; `VERSION_CONFLICT` if it changed since."
    )


@strawberry.input(description="The document to see in full.")
class RevealIdentityDocumentInput:
    verification_id: VerificationId = strawberry.field(description="A verification of somebody else.")


@strawberry.type(description="The outcome of a mutation of an identity verification.")
class IdentityVerificationPayload:
    verification: IdentityVerification | None = strawberry.field(
        default=None, description="The verification after it; null if it was refused, except for `VERSION_CONFLICT`."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.IdentityVerification) -> Self:
        return cls(verification=IdentityVerification.of(row))


@strawberry.type(description="The outcome of `submitIdentityVerification`.")
class SubmitIdentityVerificationPayload(IdentityVerificationPayload): ...


@strawberry.type(description="The outcome of `approveIdentityVerification`.")
class ApproveIdentityVerificationPayload(IdentityVerificationPayload): ...


@strawberry.type(description="The outcome of `rejectIdentityVerification`.")
class RejectIdentityVerificationPayload(IdentityVerificationPayload): ...


@strawberry.type(description="The outcome of `revealIdentityDocument`. Do not keep what it shows.")
class RevealIdentityDocumentPayload:
    number: str | None = strawberry.field(
        default=None, description="The document's number, normalised; null if it was refused."
    )
    full_name: str | None = strawberry.field(
        default=None, description="The name in the document, if it was given; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class VerificationQuery:
    @query(description="The caller's own identity verifications, newest first.", scope=MARKETPLACE)
    async def my_identity_verifications(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[IdentityVerification] | None:
        window = store.verification.NEWEST.window(first, after, last, before)
        user_id = info.context.require_actor().id
        page = await store.verification.list_checks_of(info.context.database, user_id, window)
        return Connection.of(page, IdentityVerification.of)

    @query(description="Everybody's identity verifications, oldest first, for admins.", scope=ADMIN)
    async def identity_verifications(
        self,
        info: Info,
        filter: Annotated[
            IdentityVerificationFilter | None, strawberry.argument(description="Which verifications.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[IdentityVerification] | None:
        window = store.verification.OLDEST.window(first, after, last, before)
        wanted = store.verification.Filter(filter.status if filter else None)
        page = await store.verification.list_checks(info.context.database, wanted, window)
        return Connection.of(page, IdentityVerification.of)


@strawberry.type
class VerificationMutation:
    @mutation(
        description="Submits a document for a check of one's identity. One document is checked at a time; after an "
        "approval the next can be submitted in its last 60 days.",
        quotas=[
            Quota("submitIdentityVerification", "identity_verifications_per_address"),
            Quota("submitIdentityVerification account", "identity_verifications_per_account", by_actor),
        ],
    )
    async def submit_identity_verification(
        self, info: Info, input: SubmitIdentityVerificationInput
    ) -> SubmitIdentityVerificationPayload:
        actor, keys = info.context.require_actor(), cipher(info.context.services.settings)
        document = actions.verification.Document(
            input.document_type, input.number, input.country, input.full_name, input.document_expires_on
        )
        async with info.context.transaction() as session:
            row = await idempotent(
                session,
                actor.id,
                input.idempotency_key,
                "submitIdentityVerification",
                actions.verification.without_secrets(keys, document),
                run=lambda: actions.verification.submit(session, actor, keys, document),
                replay=lambda found: store.verification.get_check(session, found),
            )
        return SubmitIdentityVerificationPayload.of(row)

    @mutation(
        description="Takes a document as proof of who somebody is, for two years or until it runs out.", scope=ADMIN
    )
    async def approve_identity_verification(
        self, info: Info, input: ApproveIdentityVerificationInput
    ) -> ApproveIdentityVerificationPayload:
        row = await act(info, actions.verification.approve, input.verification_id, input.expected_version)
        return ApproveIdentityVerificationPayload.of(row)

    @mutation(
        description="Does not take a document as proof; its owner is told why and may submit another.", scope=ADMIN
    )
    async def reject_identity_verification(
        self, info: Info, input: RejectIdentityVerificationInput
    ) -> RejectIdentityVerificationPayload:
        row = await act(
            info,
            actions.verification.reject,
            input.verification_id,
            input.expected_version,
            input.reason,
            input.note,
        )
        return RejectIdentityVerificationPayload.of(row)

    @mutation(
        description="Shows a document's number and name in full. That the caller saw it goes on record.",
        scope=ADMIN,
        quotas=[Quota("revealIdentityDocument", "document_reveals_per_account", by_actor)],
    )
    async def reveal_identity_document(
        self, info: Info, input: RevealIdentityDocumentInput
    ) -> RevealIdentityDocumentPayload:
        keys = cipher(info.context.services.settings)
        revealed = await act(info, actions.verification.reveal, keys, input.verification_id)
        return RevealIdentityDocumentPayload(number=revealed.number, full_name=revealed.full_name)
