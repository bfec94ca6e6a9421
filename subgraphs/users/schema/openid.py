"""Signing in at other providers by OpenID Connect, and linking what one is there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.acting import act
from shared.graphql.entities import Node, entity
from shared.graphql.ids import AnyId, IdentityId
from shared.graphql.pagination import After, Before, Connection, First, Last
from shared.graphql.quotas import Quota
from shared.graphql.schema import mutation, query
from shared.graphql.types import UserError
from shared.identity.actor import MARKETPLACE, Role
from subgraphs.users import actions, credentials, models, rules, store
from subgraphs.users.openid import flow, http
from subgraphs.users.openid.id_tokens import Claims
from subgraphs.users.openid.providers import Provider, provider, providers
from subgraphs.users.rules.openid import open_id_sign_in_failed
from subgraphs.users.schema.session import LogInPayload
from subgraphs.users.schema.user import Info

_QUOTAS = [Quota("OpenID sign-in", "openid_sign_ins_per_address")]
_CONFIRMATION = "One's password. Who has none must have signed in within the last 10 minutes."


@strawberry.type(description="A provider at which people can sign in instead of giving a password here.")
class SignInProvider:
    id: ID = strawberry.field(description="What `startOpenIdSignIn` takes.")
    name: str = strawberry.field(description="What people call it.")

    @classmethod
    def of(cls, provider: Provider) -> Self:
        return cls(id=ID(provider.id), name=provider.name)


@entity(description="Who somebody is at a provider. Only the user themselves sees it.")
class Identity(Node):
    id: ID = strawberry.field(description="The identity's id; `unlinkOpenIdIdentity` takes it.")
    provider_id: ID = strawberry.field(description="The provider, as `signInProviders` calls it.")
    email: str | None = strawberry.field(description="The address that the provider had verified when it was linked.")
    linked_at: datetime = strawberry.field(description="Since when one can sign in with it.")

    @classmethod
    def of(cls, row: models.Identity) -> Self:
        return cls(id=ID(row.id), provider_id=ID(row.provider), email=row.email, linked_at=row.created_at)

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["Identity | None"]:
        rows = await info.context.loaders.identity_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.user_id) else None for row in rows]


@strawberry.input(description="Where somebody wants to sign in.")
class StartOpenIdSignInInput:
    provider: AnyId = strawberry.field(description="The id of one of `signInProviders`.")
    link: bool = strawberry.field(
        default=False, description="Whether the answer is for `linkOpenIdIdentity`; takes a signed-in user."
    )


@strawberry.input(description="What the provider sent the browser back with.")
class CompleteOpenIdSignInInput:
    handle: str = strawberry.field(description="What `startOpenIdSignIn` answered to this very browser.")
    code: str = strawberry.field(description="The `code` of the address that the provider sent the browser to.")
    state: str = strawberry.field(description="The `state` of that address.")
    iss: str | None = strawberry.field(default=None, description="The `iss` of that address, if it has one.")
    roles: list[Role] = strawberry.field(
        description="`POSTER`, `TASKER` or both, for the account that a first sign-in opens."
    )


@strawberry.input(description="What the provider sent the browser back with.")
class LinkOpenIdIdentityInput:
    handle: str = strawberry.field(description="What `startOpenIdSignIn` with `link` answered to this very browser.")
    code: str = strawberry.field(description="The `code` of the address that the provider sent the browser to.")
    state: str = strawberry.field(description="The `state` of that address.")
    iss: str | None = strawberry.field(default=None, description="The `iss` of that address, if it has one.")
    password: str | None = strawberry.field(default=None, description=_CONFIRMATION)


@strawberry.input(description="The identity to forget.")
class UnlinkOpenIdIdentityInput:
    identity_id: IdentityId = strawberry.field(description="One of `myIdentities`.")
    password: str | None = strawberry.field(default=None, description=_CONFIRMATION)


@strawberry.type(description="The outcome of `startOpenIdSignIn`.")
class StartOpenIdSignInPayload:
    authorization_url: str | None = strawberry.field(default=None, description="Where to send the browser.")
    handle: str | None = strawberry.field(
        default=None,
        description="Keep it in this browser (`sessionStorage`) until the provider sends it back, within 10 minutes.",
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `completeOpenIdSignIn`.")
class CompleteOpenIdSignInPayload(LogInPayload): ...


@strawberry.type(description="The outcome of `linkOpenIdIdentity`.")
class LinkOpenIdIdentityPayload:
    identity: Identity | None = strawberry.field(default=None, description="The identity; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of `unlinkOpenIdIdentity`.")
class UnlinkOpenIdIdentityPayload:
    identity: Identity | None = strawberry.field(
        default=None, description="The identity that is linked no more; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type
class OpenIdQuery:
    @query(description="The providers at which people can sign in.", leads_to_session=True)
    async def sign_in_providers(self, info: Info) -> list[SignInProvider]:
        return [SignInProvider.of(each) for each in providers(info.context.services.settings).values()]

    @query(description="Who the caller is at other providers, newest first.", scope=MARKETPLACE)
    async def my_identities(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Identity] | None:
        window = store.openid.NEWEST.window(first, after, last, before)
        page = await store.openid.list_identities(info.context.database, info.context.require_actor().id, window)
        return Connection.of(page, Identity.of)


@strawberry.type
class OpenIdMutation:
    @mutation(
        description="Begins a sign-in at a provider (OpenID Connect, authorization code flow with PKCE).",
        scope=None,
        quotas=_QUOTAS,
        leads_to_session=True,
    )
    async def start_open_id_sign_in(self, info: Info, input: StartOpenIdSignInInput) -> StartOpenIdSignInPayload:
        context, settings = info.context, info.context.services.settings
        user_id = context.require_actor(MARKETPLACE).id if input.link else None
        chosen = provider(settings, input.provider)
        metadata = await http.metadata(settings, chosen)
        async with context.transaction() as session:
            under_way = await actions.openid.start(session, chosen.id, user_id)
        return StartOpenIdSignInPayload(
            authorization_url=flow.authorization_url(metadata, chosen, under_way), handle=under_way.handle
        )

    @mutation(
        description="Signs in with a provider's answer. The first time it opens an account for the e-mail address that "
        "the provider has verified; if one has that address, log in and `linkOpenIdIdentity`. Where a second factor "
        "is active, the answer is a challenge for `completeLogIn`.",
        scope=None,
        quotas=_QUOTAS,
        leads_to_session=True,
    )
    async def complete_open_id_sign_in(
        self, info: Info, input: CompleteOpenIdSignInInput
    ) -> CompleteOpenIdSignInPayload:
        context = info.context
        roles = rules.accounts.check_roles_at_sign_up(input.roles)
        chosen, claims = await _claims(info, None, input)
        async with context.transaction() as session:
            outcome = await actions.openid.sign_in(
                session, context.services.settings, chosen.id, claims, roles, context.user_agent
            )
        return CompleteOpenIdSignInPayload.of_outcome(outcome, context.services.settings)

    @mutation(
        description="Makes an identity at a provider one to sign in with; begins with `startOpenIdSignIn` and `link`.",
        quotas=_QUOTAS,
    )
    async def link_open_id_identity(self, info: Info, input: LinkOpenIdIdentityInput) -> LinkOpenIdIdentityPayload:
        context = info.context
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        chosen, claims = await _claims(info, actor.id, input)
        identity = await act(info, actions.openid.link, context.services.settings, chosen.id, claims)
        return LinkOpenIdIdentityPayload(identity=Identity.of(identity))

    @mutation(description="Forgets an identity at a provider, unless nothing else would let one in.")
    async def unlink_open_id_identity(
        self, info: Info, input: UnlinkOpenIdIdentityInput
    ) -> UnlinkOpenIdIdentityPayload:
        context = info.context
        actor = context.require_actor()
        await credentials.confirm(context.services, actor, context.one_address, input.password)
        identity = await act(info, actions.openid.unlink, context.services.settings, input.identity_id)
        return UnlinkOpenIdIdentityPayload(identity=Identity.of(identity))


async def _claims(
    info: Info, user_id: str | None, input: CompleteOpenIdSignInInput | LinkOpenIdIdentityInput
) -> tuple[Provider, Claims]:
    """Who signed in where. The handle is used up first; nothing is held while the provider is asked."""
    context, settings = info.context, info.context.services.settings
    async with context.transaction() as session:
        row, under_way = await actions.openid.take(session, input.handle)
    chosen = providers(settings).get(row.provider)
    if chosen is None or row.user_id != user_id:
        raise open_id_sign_in_failed()
    claims = await flow.claims_of_answer(
        settings, chosen, row, under_way, code=input.code, state=input.state, iss=input.iss
    )
    return chosen, claims
