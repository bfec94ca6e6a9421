"""Invitations to bid, and their answers. A bid of the invited accepts one (`bids.place_bid`)."""

from sqlalchemy.ext.asyncio import AsyncSession

from shared import clock, copies, events
from shared.errors import NotFound
from shared.identity.actor import Actor
from shared.ids import new_id
from shared.messaging.outbox import emit
from subgraphs.bids import models, rules, store
from subgraphs.bids.actions import steps


async def invite_to_bid(
    session: AsyncSession, actor: Actor, *, task_id: str, tasker_id: str, message: str | None
) -> models.Invitation:
    """Invites a tasker to bid on one's own open task; one who is invited already stays so.

    Locks the task's row against bids, so that nobody is invited who bids at the same time. Raises NotCopied,
    NotAllowed, OwnTask, TaskNotOpen, NotFound, BidAlreadyPlaced, TooManyInvitations, AccountSuspended,
    CounterpartSuspended, InteractionBlocked, InvalidInput.
    """
    task = await store.lock_task(session, task_id)
    if task is None:
        raise copies.NotCopied("There is no such task.", models.Task, task_id, field=("taskId",))
    rules.invitations.check_inviter(actor, task.poster_id, tasker_id)
    known = await store.get_invitation_of(session, task_id, tasker_id)
    if known is not None:
        return known
    now = clock.now()
    rules.bids.check_task_open(task.status, task.expires_at, now)
    tasker = await store.get_tasker(session, tasker_id)
    if tasker is None:
        raise copies.NotCopied("There is no such tasker.", models.Tasker, tasker_id, field=("taskerId",))
    rules.invitations.check_tasker(tasker.is_tasker)
    if await store.has_live_bid(session, task_id, tasker_id):
        raise rules.bids.BidAlreadyPlaced("They have a bid on this task.", field=("taskerId",))
    rules.invitations.check_count(await store.count_invitations(session, task_id))
    await steps.check_may_deal(session, actor.id, tasker_id, field="taskerId")
    invitation = models.Invitation(
        id=new_id("invitation"),
        task_id=task.id,
        poster_id=task.poster_id,
        tasker_id=tasker_id,
        message=rules.bids.clean_note(message),
        bid_id=None,
        declined_at=None,
        created_at=now,
    )
    session.add(invitation)
    await emit(session, events.BidInvited(invitation=_snapshot(invitation)))
    return invitation


async def decline_invitation(session: AsyncSession, actor: Actor, invitation_id: str) -> models.Invitation:
    """Says that one does not want to bid. Locks the invitation's row.

    Raises NotFound, NotAllowed, InvalidTransition.
    """
    found = await store.get_invitation(session, invitation_id)
    if found is None or not rules.invitations.may_see(actor.id, found.poster_id, found.tasker_id):
        raise NotFound("There is no such invitation.", field=("invitationId",))
    task = await store.lock_task(session, found.task_id, shared=True)
    invitation = await store.lock_invitation(session, invitation_id)
    assert task is not None, "tasks are never deleted"
    assert invitation is not None, "invitations are never deleted"
    rules.invitations.check_invited(actor, invitation.tasker_id)
    now = clock.now()
    takes_bids = rules.bids.takes_bids(task.status, task.expires_at, now)
    status = rules.invitations.status(invitation.bid_id, invitation.declined_at, takes_bids=takes_bids)
    if status is rules.invitations.Status.DECLINED:
        return invitation
    rules.invitations.check_open(status)
    invitation.declined_at = now
    await emit(session, events.BidInvitationDeclined(invitation=_snapshot(invitation)))
    return invitation


def _snapshot(invitation: models.Invitation) -> events.InvitationSnapshot:
    return events.InvitationSnapshot(
        id=invitation.id,
        task_id=invitation.task_id,
        poster_id=invitation.poster_id,
        tasker_id=invitation.tasker_id,
        message=invitation.message,
        declined_at=invitation.declined_at,
        created_at=invitation.created_at,
    )
