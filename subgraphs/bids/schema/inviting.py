"""Invitations to bid and their answers."""

from typing import Self

import strawberry

from shared.graphql.acting import IDEMPOTENCY_KEY, act, act_once
from shared.graphql.ids import InvitationId, TaskId, UserId
from shared.graphql.quotas import Quota, by_actor
from shared.graphql.schema import mutation
from shared.graphql.types import UserError
from subgraphs.bids import actions, models, store
from subgraphs.bids.schema.bid import BidInvitation
from subgraphs.bids.schema.info import Info


@strawberry.input(description="Whom to invite to what.")
class InviteToBidInput:
    task_id: TaskId = strawberry.field(description="An open task of one's own.")
    tasker_id: UserId = strawberry.field(description="A tasker who has not bid on it.")
    message: str | None = strawberry.field(default=None, description="Told to the tasker, 1 to 500 characters.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY)


@strawberry.input(description="The invitation to turn down.")
class DeclineInvitationInput:
    invitation_id: InvitationId = strawberry.field(description="An open invitation that one got.")


@strawberry.type(description="The outcome of a mutation of one invitation.")
class InvitationPayload:
    invitation: BidInvitation | None = strawberry.field(
        default=None, description="The invitation after it; null if it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Why it was refused; empty on success."
    )

    @classmethod
    def of(cls, row: models.Invitation) -> Self:
        return cls(invitation=BidInvitation.of(row))


@strawberry.type(description="The outcome of `inviteToBid`.")
class InviteToBidPayload(InvitationPayload): ...


@strawberry.type(description="The outcome of `declineInvitation`.")
class DeclineInvitationPayload(InvitationPayload): ...


@strawberry.type
class InvitingMutation:
    @mutation(
        description="Invites a tasker to bid on one's own open task, 50 at most. One who is invited already stays so.",
        quotas=[
            Quota("inviteToBid", "invitations_per_address"),
            Quota("inviteToBid account", "invitations_per_account", by_actor),
        ],
    )
    async def invite_to_bid(self, info: Info, input: InviteToBidInput) -> InviteToBidPayload:
        row = await act_once(
            info,
            input,
            store.get_invitation,
            actions.invitations.invite_to_bid,
            task_id=input.task_id,
            tasker_id=input.tasker_id,
            message=input.message,
        )
        return InviteToBidPayload.of(row)

    @mutation(description="Says that one does not want to bid. One may after all, as long as the task is open.")
    async def decline_invitation(self, info: Info, input: DeclineInvitationInput) -> DeclineInvitationPayload:
        return DeclineInvitationPayload.of(await act(info, actions.invitations.decline_invitation, input.invitation_id))
