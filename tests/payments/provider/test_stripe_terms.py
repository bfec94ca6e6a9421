"""What Stripe's words and amounts are in ours, by tables."""

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from shared.money import CurrencyCode, Money
from subgraphs.payments.provider import stripe_answers as answers
from subgraphs.payments.provider.port import DeclineCode, Kind, PayoutFault, ProviderRefused
from subgraphs.payments.provider.steps import amount_step
from subgraphs.payments.provider.stripe_amounts import from_stripe, to_stripe
from tests.peers.stripe.document import document

# Ten of the smallest unit of each currency, or of what Stripe can charge: as it is written, and as Stripe counts it.
AMOUNTS = {
    "AED": ("0.10", 10), "AUD": ("0.10", 10), "BHD": ("0.010", 10), "BRL": ("0.10", 10), "CAD": ("0.10", 10),
    "CHF": ("0.10", 10), "CLP": ("10", 10), "CNY": ("0.10", 10), "CZK": ("0.10", 10), "DKK": ("0.10", 10),
    "EUR": ("0.10", 10), "GBP": ("0.10", 10), "HKD": ("0.10", 10), "HUF": ("0.10", 10), "IDR": ("0.10", 10),
    "ILS": ("0.10", 10), "INR": ("0.10", 10), "ISK": ("10", 1_000), "JOD": ("0.010", 10), "JPY": ("10", 10),
    "KRW": ("10", 10), "KWD": ("0.010", 10), "MXN": ("0.10", 10), "MYR": ("0.10", 10), "NOK": ("0.10", 10),
    "NZD": ("0.10", 10), "PHP": ("0.10", 10), "PLN": ("0.10", 10), "RON": ("0.10", 10), "SAR": ("0.10", 10),
    "SEK": ("0.10", 10), "SGD": ("0.10", 10), "THB": ("0.10", 10), "TRY": ("0.10", 10), "TWD": ("0.10", 10),
    "USD": ("0.10", 10), "VND": ("10", 10), "ZAR": ("0.10", 10),
}  # fmt: skip
STEPS = {"BHD": (10, 10), "JOD": (10, 10), "KWD": (10, 10), "HUF": (1, 100), "TWD": (1, 100)}
MOVED = (Kind.CHARGE, Kind.REFUND, Kind.PAYOUT)


@pytest.mark.parametrize("currency", [*CurrencyCode])
def test_amounts_are_counted_as_stripe_counts_them(currency: CurrencyCode) -> None:
    written, counted = AMOUNTS[currency]
    amount = Money.parse(written, currency)
    assert to_stripe(amount, Kind.CHARGE) == counted
    assert from_stripe(counted, currency.lower()) == amount


@pytest.mark.parametrize("currency", [*CurrencyCode])
def test_what_cannot_be_moved_is_refused(currency: CurrencyCode) -> None:
    by_card, by_bank = STEPS.get(currency, (1, 1))
    for kind, step in zip(MOVED, (by_card, by_card, by_bank), strict=True):
        assert amount_step(currency, kind) == Money(step, currency)
        for between in {1, step - 1} - {0, step}:
            with pytest.raises(ProviderRefused) as refused:
                to_stripe(Money(step + between, currency), kind)
            assert refused.value.code == "amount_not_a_multiple"


@given(st.sampled_from(CurrencyCode), st.sampled_from(MOVED), st.integers(1, 10**14))
def test_amounts_come_back_as_they_went(currency: CurrencyCode, kind: Kind, steps: int) -> None:
    amount = Money(amount_step(currency, kind).minor * steps, currency)
    assert from_stripe(to_stripe(amount, kind), currency.lower()) == amount


def test_a_currency_that_is_none_of_ours_is_not_read() -> None:
    with pytest.raises(ValueError, match="XAF"):
        from_stripe(1, "xaf")


# https://docs.stripe.com/declines/codes, "Card decline codes".
DECLINES = {
    DeclineCode.INSUFFICIENT_FUNDS: "insufficient_funds",
    DeclineCode.EXPIRED_CARD: "expired_card",
    DeclineCode.LOST_OR_STOLEN_CARD: "lost_card stolen_card pickup_card restricted_card",
    DeclineCode.LIMIT_EXCEEDED: "card_velocity_exceeded withdrawal_count_limit_exceeded invalid_amount",
    DeclineCode.AUTHENTICATION_FAILED: "authentication_required authentication_not_handled "
    "mobile_device_authentication_required",
    DeclineCode.SUSPECTED_FRAUD: "fraudulent merchant_blacklist",
    DeclineCode.CURRENCY_NOT_SUPPORTED: "currency_not_supported",
    DeclineCode.PAYMENT_METHOD_UNUSABLE: "card_not_supported incorrect_address incorrect_cvc incorrect_number "
    "incorrect_zip invalid_account invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number "
    "new_account_information_available",
    DeclineCode.PROCESSING_ERROR: "approve_with_id duplicate_transaction issuer_not_available processing_error "
    "reenter_transaction try_again_later",
    DeclineCode.DECLINED: "call_issuer do_not_honor do_not_try_again generic_decline no_action_taken not_permitted "
    "revocation_of_all_authorizations revocation_of_authorization security_violation service_not_allowed "
    "stop_payment_order testmode_decline transaction_not_allowed what_stripe_invents_next",
}


@pytest.mark.parametrize(("expected", "codes"), DECLINES.items(), ids=[*DECLINES])
def test_declines_say_what_a_payer_can_do(expected: DeclineCode, codes: str) -> None:
    for code in codes.split():
        error = stripe.ErrorObject.construct_from({"code": "card_declined", "decline_code": code}, "key")
        assert answers.decline(error) is expected, code


@pytest.mark.parametrize("code", ["payment_intent_authentication_failure", "setup_intent_authentication_failure"])
def test_a_failed_challenge_has_an_error_code_only(code: str) -> None:
    error = stripe.ErrorObject.construct_from({"code": code}, "key")
    assert answers.decline(error) is DeclineCode.AUTHENTICATION_FAILED


# https://docs.stripe.com/api/payouts/failures
FAULTS = {
    PayoutFault.ACCOUNT_CLOSED: "account_closed",
    PayoutFault.ACCOUNT_UNUSABLE: "account_frozen bank_account_restricted bank_ownership_changed debit_not_authorized "
    "incorrect_account_holder_address incorrect_account_holder_name incorrect_account_holder_tax_id "
    "incorrect_account_type invalid_account_number invalid_account_number_length invalid_currency no_account "
    "unsupported_card",
    PayoutFault.DECLINED: "could_not_process declined insufficient_funds what_stripe_invents_next",
}


@pytest.mark.parametrize(("expected", "codes"), FAULTS.items(), ids=[*FAULTS])
def test_failed_payouts_say_what_a_tasker_can_do(expected: PayoutFault, codes: str) -> None:
    for code in codes.split():
        payout = stripe.Payout.construct_from({"failure_code": code}, "key")
        assert answers.payout_fault(payout) is expected, code


def test_each_status_of_stripes_has_one_of_ours() -> None:
    for resource, known in (("payment_intent", answers._CHARGES), ("dispute", answers._DISPUTES)):
        assert set(document().statuses(resource)) - {"requires_capture"} == known.keys()
