"""The GraphQL schema of users: authorize, call, return. Each module has a noun's types, queries and mutations."""

import strawberry

from shared.graphql.schema import build_schema
from subgraphs.users.schema.administration import AdministrationMutation, AdministrationQuery
from subgraphs.users.schema.block import BlockMutation, BlockQuery
from subgraphs.users.schema.email import EmailMutation
from subgraphs.users.schema.erasure import ErasureMutation
from subgraphs.users.schema.export import ExportMutation, ExportQuery
from subgraphs.users.schema.openid import OpenIdMutation, OpenIdQuery
from subgraphs.users.schema.password import PasswordMutation
from subgraphs.users.schema.profile import ProfileMutation
from subgraphs.users.schema.report import ReportMutation, ReportQuery
from subgraphs.users.schema.session import SessionMutation, SessionQuery
from subgraphs.users.schema.totp import TotpMutation
from subgraphs.users.schema.user import UserQuery
from subgraphs.users.schema.verification import VerificationMutation, VerificationQuery


@strawberry.type
class Query(
    OpenIdQuery,
    UserQuery,
    SessionQuery,
    AdministrationQuery,
    BlockQuery,
    ReportQuery,
    ExportQuery,
    VerificationQuery,
): ...


@strawberry.type
class Mutation(
    SessionMutation,
    TotpMutation,
    OpenIdMutation,
    ProfileMutation,
    AdministrationMutation,
    BlockMutation,
    ReportMutation,
    ExportMutation,
    ErasureMutation,
    EmailMutation,
    PasswordMutation,
    VerificationMutation,
): ...


schema = build_schema(Query, Mutation)
