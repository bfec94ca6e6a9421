"""Getting everything that is held of oneself."""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self

import strawberry
from nacl.public import PrivateKey, SealedBox
from strawberry import ID

from shared.graphql.acting import IDEMPOTENCY_KEY
from shared.graphql.entities import Node, entity
from shared.graphql.ids import ExportId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import field, mutation, query
from shared.graphql.types import UserError, register_enum
from shared.idempotency import idempotent
from shared.identity.actor import MARKETPLACE
from shared.ids import id_of_row
from subgraphs.users import actions, credentials, models, rules, second_factor, secrets_at_rest, store
from subgraphs.users.rules.exports import Status
from subgraphs.users.schema.second_factor import CODE
from subgraphs.users.schema.user import Info

register_enum(
    Status,
    name="DataExportStatus",
    description="Where an export of one's data stands.",
    values={
        Status.PENDING: "Not every part of the marketplace has answered yet.",
        Status.READY: "All of it can be read, until `expiresAt`.",
        Status.FAILED: "A part of the marketplace did not answer within a day; ask again.",
    },
)


@strawberry.type(description="A part of what is held of a person.")
class DataExportPart:
    id: ID = strawberry.field(description="Tells it from all others in a client's cache; `node` does not take it.")
    subgraph: str = strawberry.field(description="Which part of the marketplace holds it.")
    number: int = strawberry.field(description="1, 2, 3 … within the subgraph.")
    json: str = strawberry.field(
        description="A JSON document: rows of one `table` in which `person` is the user; a subgraph's last one counts "
        "its `rows` and says which columns were `left_out`, and why."
    )


@entity(description="Everything that is held of a person. Only they see it, for 7 days.")
class DataExport(Node):
    id: ID = strawberry.field(description="The export's id.")
    status: Status = strawberry.field(description="Where it stands.")
    requested_at: datetime = strawberry.field(description="When it was asked for.")
    ready_at: datetime | None = strawberry.field(description="Since when all of it is there.")
    expires_at: datetime = strawberry.field(description="When it is deleted.")
    row: strawberry.Private[models.DataExport]

    @classmethod
    def of(cls, row: models.DataExport) -> Self:
        return cls(
            id=ID(row.id),
            status=row.status,
            requested_at=row.requested_at,
            ready_at=row.ready_at,
            expires_at=row.expires_at,
            row=row,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["DataExport | None"]:
        rows = await info.context.loaders.export_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.user_id) else None for row in rows]

    @field(description="The subgraphs that have not answered yet.")
    async def waiting_for(self, info: Info) -> list[str]:
        if self.row.status is not Status.PENDING:
            return []
        parts = await info.context.loaders.part_counts_by_export_id.load(self.row.id)
        return rules.exports.missing(self.row.expected, parts)

    @field(description="The data, by subgraph; null unless the export is ready. A part has up to about 32 KB.")
    async def parts(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DataExportPart] | None:
        if self.row.status is not Status.READY or self.row.private_key is None:
            return None
        window = store.exports.PARTS.window(first, after, last, before)
        page = await info.context.loaders.part_page_by_export_id.load((self.row.id, window))
        cipher = secrets_at_rest.cipher(info.context.services.settings)
        key = cipher.decrypt(self.row.private_key, purpose=actions.exports.key_purpose(self.row.id))
        box = SealedBox(PrivateKey(b64decode(key)))
        return Connection.of(
            page,
            lambda part: DataExportPart(
                id=ID(id_of_row("part", part.export_id, part.subgraph, part.number)),
                subgraph=part.subgraph,
                number=part.number,
                json=box.decrypt(part.sealed).decode(),
            ),
        )


@strawberry.input(description="Who asks for their data.")
class ExportMyDataInput:
    password: str | None = strawberry.field(
        default=None,
        description="One's password, again. An account without one needs a session that is at most 10 minutes old.",
    )
    code: str | None = strawberry.field(default=None, description=CODE)
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.type(description="The outcome of `exportMyData`.")
class ExportMyDataPayload:
    export: DataExport | None = strawberry.field(default=None, description="The export; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class ExportQuery:
    @query(description="The exports of one's own data that are kept, newest first.", scope=MARKETPLACE)
    async def my_data_exports(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[DataExport] | None:
        window = store.exports.NEWEST.window(first, after, last, before)
        page = await store.exports.list_exports(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, DataExport.of)

    @query(description="An export of one's own data; null if there is none with this id.", scope=MARKETPLACE)
    async def data_export(
        self, info: Info, id: Annotated[ExportId, strawberry.argument(description="The export's id.")]
    ) -> DataExport | None:
        return (await DataExport.resolve_references(info, [id]))[0]


@strawberry.type
class ExportMutation:
    @mutation(
        description="Puts together everything that is held of the caller, in all parts of the marketplace; that takes "
        "seconds, as a rule. One at a time; at most 5 tries a day. Who has a second factor gives a code of it too "
        "(`SECOND_FACTOR_REQUIRED`).",
        quotas=[Quota("exportMyData", "exports_per_account", by=by_actor)],
    )
    async def export_my_data(self, info: Info, input: ExportMyDataInput) -> ExportMyDataPayload:
        context, settings = info.context, info.context.services.settings
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        async with (
            second_factor.attempt(context.services, context.one_address, actor.id, input.code),
            context.transaction() as session,
        ):
            # Of the input nothing is kept: a hash of a password would be a fast one, and a code holds once.
            row = await idempotent(
                session,
                actor.id,
                input.idempotency_key,
                "exportMyData",
                {},
                run=lambda: actions.exports.export_my_data(session, actor, settings, input.code),
                replay=lambda export_id: store.exports.get_export(session, export_id),
            )
        return ExportMyDataPayload(export=DataExport.of(row))
