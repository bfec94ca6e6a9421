"""Stripe's objects in the words of the port."""

from datetime import UTC, datetime

import stripe

from subgraphs.payments.provider.port import (
    Action,
    Card,
    Charge,
    ChargeStatus,
    DeclineCode,
    Dispute,
    DisputeStatus,
    Kind,
    Movement,
    PayoutAccount,
    PayoutFault,
    PayoutStatus,
    Refund,
    RefundStatus,
    Setup,
    SetupStatus,
)
from subgraphs.payments.provider.stripe_amounts import from_stripe
from subgraphs.payments.rules.payouts import AccountStatus

# https://docs.stripe.com/declines/codes, "Card decline codes"; two are error codes of https://docs.stripe.com/error-codes.
# What is not here says no more than "call your bank".
_DECLINES: dict[str, DeclineCode] = {
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "expired_card": DeclineCode.EXPIRED_CARD,
    "lost_card": DeclineCode.LOST_OR_STOLEN_CARD,
    "stolen_card": DeclineCode.LOST_OR_STOLEN_CARD,
    "pickup_card": DeclineCode.LOST_OR_STOLEN_CARD,
    "restricted_card": DeclineCode.LOST_OR_STOLEN_CARD,
    "card_velocity_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "withdrawal_count_limit_exceeded": DeclineCode.LIMIT_EXCEEDED,
    "invalid_amount": DeclineCode.LIMIT_EXCEEDED,
    "authentication_required": DeclineCode.AUTHENTICATION_FAILED,
    "authentication_not_handled": DeclineCode.AUTHENTICATION_FAILED,
    "mobile_device_authentication_required": DeclineCode.AUTHENTICATION_FAILED,
    "payment_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "setup_intent_authentication_failure": DeclineCode.AUTHENTICATION_FAILED,
    "fraudulent": DeclineCode.SUSPECTED_FRAUD,
    "merchant_blacklist": DeclineCode.SUSPECTED_FRAUD,
    "currency_not_supported": DeclineCode.CURRENCY_NOT_SUPPORTED,
    "card_not_supported": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "incorrect_address": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "incorrect_cvc": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "incorrect_number": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "incorrect_zip": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "invalid_account": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "invalid_cvc": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "invalid_expiry_month": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "invalid_expiry_year": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "invalid_number": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "new_account_information_available": DeclineCode.PAYMENT_METHOD_UNUSABLE,
    "approve_with_id": DeclineCode.PROCESSING_ERROR,
    "duplicate_transaction": DeclineCode.PROCESSING_ERROR,
    "issuer_not_available": DeclineCode.PROCESSING_ERROR,
    "processing_error": DeclineCode.PROCESSING_ERROR,
    "reenter_transaction": DeclineCode.PROCESSING_ERROR,
    "try_again_later": DeclineCode.PROCESSING_ERROR,
}

# https://docs.stripe.com/api/payouts/failures. What is not here is the bank's, or nobody's, fault.
_PAYOUT_FAULTS: dict[str, PayoutFault] = {
    "account_closed": PayoutFault.ACCOUNT_CLOSED,
    "account_frozen": PayoutFault.ACCOUNT_UNUSABLE,
    "bank_account_restricted": PayoutFault.ACCOUNT_UNUSABLE,
    "bank_ownership_changed": PayoutFault.ACCOUNT_UNUSABLE,
    "debit_not_authorized": PayoutFault.ACCOUNT_UNUSABLE,
    "incorrect_account_holder_address": PayoutFault.ACCOUNT_UNUSABLE,
    "incorrect_account_holder_name": PayoutFault.ACCOUNT_UNUSABLE,
    "incorrect_account_holder_tax_id": PayoutFault.ACCOUNT_UNUSABLE,
    "incorrect_account_type": PayoutFault.ACCOUNT_UNUSABLE,
    "invalid_account_number": PayoutFault.ACCOUNT_UNUSABLE,
    "invalid_account_number_length": PayoutFault.ACCOUNT_UNUSABLE,
    "invalid_currency": PayoutFault.ACCOUNT_UNUSABLE,
    "no_account": PayoutFault.ACCOUNT_UNUSABLE,
    "unsupported_card": PayoutFault.ACCOUNT_UNUSABLE,
}

_CHARGES: dict[str, ChargeStatus] = {
    "requires_payment_method": ChargeStatus.PREPARED,
    "requires_confirmation": ChargeStatus.PREPARED,
    "requires_action": ChargeStatus.REQUIRES_ACTION,
    "processing": ChargeStatus.PROCESSING,
    "succeeded": ChargeStatus.SUCCEEDED,
    "canceled": ChargeStatus.CANCELLED,
}
_REFUNDS: dict[str, RefundStatus] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
_PAYOUTS: dict[str, PayoutStatus] = {
    "pending": PayoutStatus.PENDING,
    "in_transit": PayoutStatus.PENDING,
    "paid": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.FAILED,
}
# A warning is an inquiry before a chargeback, and takes no money yet.
_WARNING = "warning_"
_DISPUTES: dict[str, DisputeStatus] = {
    "warning_needs_response": DisputeStatus.OPEN,
    "warning_under_review": DisputeStatus.OPEN,
    "warning_closed": DisputeStatus.WON,
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "prevented": DisputeStatus.WON,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


def decline(error: stripe.StripeObject) -> DeclineCode:
    """Why a card was declined, as an error or an intent's last error says."""
    codes = (getattr(error, "decline_code", None), getattr(error, "code", None))
    return next((_DECLINES[code] for code in codes if code in _DECLINES), DeclineCode.DECLINED)


def setup(intent: stripe.SetupIntent) -> Setup:
    """A setup; its payment method must be expanded."""
    method = intent.payment_method
    error = intent.last_setup_error
    if intent.status == "succeeded":
        status = SetupStatus.SUCCEEDED
    elif intent.status == "canceled" or (intent.status == "requires_payment_method" and error):
        status = SetupStatus.FAILED
    else:
        status = SetupStatus.PENDING
    return Setup(
        id=intent.id,
        customer=_id(intent.customer),
        status=status,
        client_secret=intent.client_secret or "",
        card=_card(method)
        if status is SetupStatus.SUCCEEDED and isinstance(method, stripe.PaymentMethod) and method.card
        else None,
        decline=decline(error) if status is SetupStatus.FAILED and error else None,
    )


def charge(intent: stripe.PaymentIntent) -> Charge:
    """A charge; its latest attempt must be expanded."""
    status = _CHARGES[intent.status]
    attempt = intent.latest_charge
    given_back = attempt.amount_refunded if isinstance(attempt, stripe.Charge) else 0
    error = intent.last_payment_error
    return Charge(
        id=intent.id,
        key=key(intent.metadata),
        status=status,
        amount=from_stripe(intent.amount, intent.currency),
        refunded=from_stripe(given_back, intent.currency),
        action=_action(intent) if status is ChargeStatus.REQUIRES_ACTION else None,
        decline=decline(error) if status is ChargeStatus.PREPARED and error else None,
    )


def refund(found: stripe.Refund) -> Refund:
    return Refund(
        id=found.id,
        key=key(found.metadata),
        charge=_id(found.payment_intent),
        status=_REFUNDS[found.status or "pending"],
        amount=from_stripe(found.amount, found.currency),
    )


def payout_status(payout: stripe.Payout) -> PayoutStatus:
    return _PAYOUTS[payout.status]


def payout_fault(payout: stripe.Payout | None) -> PayoutFault:
    """Why money did not get to the bank; Stripe did not even try without a payout."""
    if payout is None:
        return PayoutFault.ACCOUNT_UNUSABLE
    return _PAYOUT_FAULTS.get(payout.failure_code or "", PayoutFault.DECLINED)


def account(found: stripe.Account) -> PayoutAccount:
    requirements = found.requirements
    due = tuple(sorted(requirements.currently_due or ())) if requirements else ()
    disabled = (requirements.disabled_reason if requirements else None) or ""
    can_receive = found.capabilities is not None and getattr(found.capabilities, "transfers", None) == "active"
    if disabled.startswith("rejected."):
        status = AccountStatus.REJECTED
    elif found.payouts_enabled and can_receive:
        status = AccountStatus.ACTIVE
    else:
        status = AccountStatus.INCOMPLETE if due else AccountStatus.PENDING
    return PayoutAccount(found.id, status, due)


def dispute(found: stripe.Dispute) -> Dispute:
    due = found.evidence_details.due_by
    return Dispute(
        id=found.id,
        charge=_id(found.payment_intent),
        status=_DISPUTES[found.status],
        amount=from_stripe(0 if found.status.startswith(_WARNING) else found.amount, found.currency),
        reason=found.reason,
        evidence_due_at=datetime.fromtimestamp(due, UTC) if due else None,
    )


def movement(found: stripe.BalanceTransaction) -> Movement:
    """A movement; its source must be expanded. Raises ValueError for one in a currency that is none of ours."""
    match found.source:
        case stripe.Charge(payment_intent=intent) if intent:
            moved_by, kind = _id(intent), Kind.CHARGE
        case stripe.Refund(id=moved_by):
            kind = Kind.REFUND
        case stripe.Transfer(id=moved_by):
            kind = Kind.PAYOUT
        case stripe.TransferReversal(transfer=transfer):
            moved_by, kind = _id(transfer), Kind.PAYOUT
        case stripe.Dispute(id=moved_by):
            kind = Kind.DISPUTE
        case _:
            moved_by, kind = found.id, Kind.OTHER
    return Movement(
        id=moved_by,
        kind=kind,
        amount=from_stripe(found.amount, found.currency),
        at=datetime.fromtimestamp(found.created, UTC),
        fee=from_stripe(found.fee, found.currency) if found.fee else None,
    )


def _card(method: stripe.PaymentMethod) -> Card:
    card = method.card
    assert card is not None
    return Card(
        token=method.id,
        brand=card.brand,
        last_four=card.last4,
        expires_month=card.exp_month,
        expires_year=card.exp_year,
        fingerprint=card.fingerprint or method.id,
    )


def _action(intent: stripe.PaymentIntent) -> Action:
    redirect = getattr(intent.next_action, "redirect_to_url", None)
    return Action(intent.client_secret or "", redirect.url if redirect else None)


def _id(reference: str | stripe.StripeObject | None) -> str:
    """The id of another object, whether expanded or not; empty if there is none."""
    return reference if isinstance(reference, str) else str(getattr(reference, "id", ""))


def key(metadata: stripe.StripeObject | None) -> str:
    """Our key, by which an object is found again; empty if it has none."""
    return str(getattr(metadata, "key", ""))
