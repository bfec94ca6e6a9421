"""Ways to pay in the graph."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import strawberry
from strawberry import ID

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.entities import Node, entity
from shared.graphql.ids import PaymentMethodId, PaymentMethodSetupId
from shared.graphql.limits import list_size
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation, query
from shared.graphql.types import UserError
from shared.identity.actor import MARKETPLACE
from subgraphs.payments import actions, models, rules, setting_up, store
from subgraphs.payments.rules.methods import MOST_METHODS
from subgraphs.payments.schema.info import Info

_SETUPS = [
    Quota("payment_method_setups", "payment_method_setups_per_account", by_actor),
    Quota("payment_method_setups_by_address", "payment_method_setups_per_address"),
]


@entity(
    description="A card that its owner can pay with. Nobody else sees it; its number is known to the provider alone."
)
class PaymentMethod(Node):
    id: ID = strawberry.field(description="The card's id.")
    brand: str = strawberry.field(description="In lower case, such as `visa`.")
    last_four: str = strawberry.field(description="The last four digits of its number.")
    expires_month: int = strawberry.field(description="1 to 12; the card is good to the end of it.")
    expires_year: int = strawberry.field(description="Such as 2029.")
    expires_at: datetime = strawberry.field(description="When it ends; its owner is told 30 days ahead.")
    is_default: bool = strawberry.field(description="Whether it is charged unless another one is chosen.")
    created_at: datetime = strawberry.field(description="When it was added.")
    removed_at: datetime | None = strawberry.field(description="When its owner removed it; null while it is there.")

    @classmethod
    def of(cls, row: models.PaymentMethod) -> Self:
        return cls(
            id=ID(row.id),
            brand=row.brand,
            last_four=row.last_four,
            expires_month=row.expires_month,
            expires_year=row.expires_year,
            expires_at=rules.methods.good_until(row.expires_month, row.expires_year),
            is_default=row.is_default,
            created_at=row.created_at,
            removed_at=row.removed_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, ids: Sequence[str]) -> Sequence["PaymentMethod | None"]:
        rows = await info.context.loaders.payment_method_by_id.load_many(ids)
        return [cls.of(row) if row and info.context.is_actor(row.user_id) else None for row in rows]


@strawberry.type(description="The giving of a card to the provider, which the client does with its own library.")
class PaymentMethodSetup:
    id: ID = strawberry.field(description="The setup's id; `addPaymentMethod` takes it.")
    provider: str = strawberry.field(description="Whose library to use: `sandbox` or `stripe`.")
    client_secret: str = strawberry.field(description="What that library wants. It is worth nothing for anybody else.")


@strawberry.input(description="A new setup.")
class StartPaymentMethodSetupInput:
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The card of a setup that the client has completed.")
class AddPaymentMethodInput:
    setup_id: PaymentMethodSetupId = strawberry.field(description="The setup.")
    make_default: bool = strawberry.field(
        default=False, description="Whether it is charged unless another one is chosen; the first card is in any case."
    )


@strawberry.input(description="The card to forget.")
class RemovePaymentMethodInput:
    payment_method_id: PaymentMethodId = strawberry.field(description="One's own card.")


@strawberry.input(description="The card to charge unless another one is chosen.")
class SetDefaultPaymentMethodInput:
    payment_method_id: PaymentMethodId = strawberry.field(description="One's own card.")


@strawberry.type(description="The outcome of `startPaymentMethodSetup`.")
class StartPaymentMethodSetupPayload:
    setup: PaymentMethodSetup | None = strawberry.field(default=None, description="The setup; null if it was refused.")
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )


@strawberry.type(description="The outcome of a mutation of one card.")
class PaymentMethodPayload:
    payment_method: PaymentMethod | None = strawberry.field(
        default=None, description="The card after it; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.PaymentMethod) -> Self:
        return cls(payment_method=PaymentMethod.of(row))


@strawberry.type(description="The outcome of `addPaymentMethod`.")
class AddPaymentMethodPayload(PaymentMethodPayload): ...


@strawberry.type(description="The outcome of `removePaymentMethod`.")
class RemovePaymentMethodPayload(PaymentMethodPayload): ...


@strawberry.type(description="The outcome of `setDefaultPaymentMethod`.")
class SetDefaultPaymentMethodPayload(PaymentMethodPayload): ...


@strawberry.type
class PaymentMethodQuery:
    @query(
        description="The caller's cards, the oldest first.",
        scope=MARKETPLACE,
        directives=[list_size(assumed_size=MOST_METHODS)],
    )
    async def my_payment_methods(self, info: Info) -> list[PaymentMethod] | None:
        rows = await store.methods.list_methods(info.context.database, info.context.require_actor().id)
        return [PaymentMethod.of(row) for row in rows]


@strawberry.type
class PaymentMethodMutation:
    @mutation(description="Begins the giving of a card. The client gives it to the provider itself.", quotas=_SETUPS)
    async def start_payment_method_setup(
        self, info: Info, input: StartPaymentMethodSetupInput
    ) -> StartPaymentMethodSetupPayload:
        row = await act_once(info, input, store.methods.get_setup, actions.methods.start_setup)
        started = await setting_up.start_setup(info.context.services, row)
        setup = PaymentMethodSetup(id=ID(row.id), provider=row.provider, client_secret=started.client_secret)
        return StartPaymentMethodSetupPayload(setup=setup)

    @mutation(description="Adds the card of a setup that the client has completed. The same card again replaces it.")
    async def add_payment_method(self, info: Info, input: AddPaymentMethodInput) -> AddPaymentMethodPayload:
        setup = await act(info, actions.methods.get_own_setup, input.setup_id)
        answer = await setting_up.get_setup(info.context.services, setup)
        row = await act(info, actions.methods.add_method, input.setup_id, answer, make_default=input.make_default)
        return AddPaymentMethodPayload.of(row)

    @mutation(description="Forgets a card, here and at the provider. If it was the default, the newest other one is.")
    async def remove_payment_method(self, info: Info, input: RemovePaymentMethodInput) -> RemovePaymentMethodPayload:
        return RemovePaymentMethodPayload.of(await act(info, actions.methods.remove_method, input.payment_method_id))

    @mutation(description="Has a card charged unless another one is chosen.")
    async def set_default_payment_method(
        self, info: Info, input: SetDefaultPaymentMethodInput
    ) -> SetDefaultPaymentMethodPayload:
        row = await act(info, actions.methods.set_default, input.payment_method_id)
        return SetDefaultPaymentMethodPayload.of(row)
