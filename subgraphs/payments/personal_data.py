"""What payments holds of persons: exported to them, and erased with them.

The books, the money of tasks and the receipts stay under pseudonyms, as the law wants of books. Of a card nothing is
left but that there was one.
"""

from shared.copies import held_suspension
from shared.events import DELETED_NAME, DELETED_TEXT
from shared.locale import Locale
from shared.privacy.personal_data import Held, Personal, secret, table_of
from subgraphs.payments import models

HELD = (
    Held(
        table_of(models.Escrow),
        people=("poster_id", "tasker_id"),
        stream=("task", "task_id"),
        pseudonymous=("id", "task_id", "bid_id"),
        plain=(
            "bid_version", "status", "amount_minor", "currency", "held_minor", "released_minor", "fee_minor",
            "refunded_minor", "fee_basis_points", "holds", "due_refund_minor", "failure", "funding_expires_at",
            "release_at", "version", "last_step", "created_at", "updated_at",
        ),
    ),
    Held(
        table_of(models.Charge),
        people=("payer_id",),
        personal={
            "action_client_secret": secret("payer_id", "It lets its owner answer their bank."),
            "action_redirect_url": Personal("payer_id"),
        },
        pseudonymous=("id", "escrow_id", "task_id", "agreement_id", "payment_method_id", "provider_id"),
        plain=(
            "purpose", "amount_minor", "refunded_minor", "currency", "status", "attempt", "confirmed_attempt",
            "provider", "decline", "expires_at", "version", "last_step", "created_at", "updated_at",
        ),
    ),
    Held(
        table_of(models.Refund),
        people=("payer_id",),
        pseudonymous=("id", "charge_id", "escrow_id", "provider_id"),
        plain=("amount_minor", "currency", "status", "provider", "created_at", "updated_at"),
    ),
    Held(
        table_of(models.Chargeback),
        people=("payer_id",),
        personal={"reason": Personal("payer_id", DELETED_TEXT)},
        pseudonymous=("id", "charge_id", "escrow_id", "provider_id"),
        plain=(
            "amount_minor", "currency", "status", "provider", "evidence_due_at", "version", "created_at", "updated_at",
        ),
    ),
    Held(
        table_of(models.Customer),
        people=("user_id",),
        pseudonymous=("provider_id",),
        plain=("provider", "created_at"),
    ),
    Held(
        table_of(models.Setup),
        people=("user_id",),
        pseudonymous=("id", "provider_id", "payment_method_id"),
        plain=("provider", "created_at"),
    ),
    Held(
        table_of(models.PaymentMethod),
        people=("user_id",),
        personal={
            "fingerprint": secret("user_id", "Only tells whether the same card is given again.", ""),
            "brand": Personal("user_id", ""),
            "last_four": Personal("user_id", "0000"),
            "expires_month": Personal("user_id", 1),
            "expires_year": Personal("user_id", 1970),
        },
        pseudonymous=("id", "token"),
        plain=("provider", "is_default", "created_at", "removed_at"),
    ),
    Held(
        table_of(models.PayoutAccount),
        people=("user_id",),
        personal={"requirements": Personal("user_id", [])},
        pseudonymous=("provider_id",),
        plain=("provider", "status", "created_at", "updated_at"),
    ),
    Held(
        table_of(models.Payout),
        people=("tasker_id",),
        stream=("user", "tasker_id"),
        pseudonymous=("id", "account", "provider_id"),
        plain=(
            "amount_minor", "currency", "status", "fault", "is_scheduled", "provider", "created_at", "updated_at",
        ),
    ),
    Held(
        table_of(models.Transaction),
        people=("user_id",),
        stream=("user", "user_id"),
        pseudonymous=("id", "subject_id", "task_id"),
        plain=("receipt_number", "kind", "amount_minor", "fee_minor", "currency", "created_at"),
    ),
    Held(
        table_of(models.LedgerAccount),
        # Of an escrow's account it is the escrow.
        people=("owner_id",),
        pseudonymous=("id",),
        plain=("kind", "currency", "balance_minor"),
    ),
    Held(
        table_of(models.LedgerTransaction),
        pseudonymous=("id", "subject_id"),
        plain=("step", "created_at", "written_in"),
    ),
    Held(
        table_of(models.LedgerEntry),
        pseudonymous=("id", "transaction_id", "account_id"),
        plain=("side", "amount_minor", "balance_after_minor"),
    ),
    Held(table_of(models.Settlement), pseudonymous=("subject_id",), plain=("kind", "due_at", "attempts")),
    Held(
        table_of(models.Difference),
        pseudonymous=("object_id", "subject_id"),
        plain=(
            "provider", "currency", "provider_minor", "ledger_minor", "found_at", "seen_at", "agreed_at",
        ),
    ),
    Held(table_of(models.Counter), plain=("name", "value")),
    held_suspension(models.Suspension),
    Held(
        table_of(models.Person),
        people=("user_id",),
        personal={
            "display_name": Personal("user_id", DELETED_NAME),
            "locale": Personal("user_id", Locale.EN),
            "time_zone": Personal("user_id", "UTC"),
        },
        plain=("seq",),
    ),
    Held(
        table_of(models.TaskTitle),
        people=("poster_id",),
        personal={"title": Personal("poster_id")},
        pseudonymous=("task_id",),
        plain=("seq",),
        deleted_with=("poster_id",),
    ),
)  # fmt: skip
