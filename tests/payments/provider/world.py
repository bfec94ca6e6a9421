"""What happens at a payment provider without us: what payers, taskers, banks and networks do there.

Each implementation of the port is tried in a world of its own, by the same tests.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from enum import Enum, auto
from typing import Protocol

from subgraphs.payments.provider.port import Charge, Dispute, Kind, Payout, PayoutFault, Provider, Refund, Setup


class TestCard(Enum):
    """Cards that payers give, by what becomes of a charge."""

    __test__ = False

    SUCCEEDS = auto()
    SUCCEEDS_TOO = auto()
    """Another number than that of SUCCEEDS."""
    REFUSED_AT_SETUP = auto()
    """The giving of it fails with DECLINED."""
    ASKS_THE_PAYER = auto()
    """3-D Secure; what becomes of it is `answer_challenge`."""
    IS_PROCESSED = auto()
    """Stays PROCESSING until `settle`."""
    INSUFFICIENT_FUNDS = auto()
    EXPIRED_CARD = auto()
    LOST_OR_STOLEN_CARD = auto()
    LIMIT_EXCEEDED = auto()
    SUSPECTED_FRAUD = auto()
    CURRENCY_NOT_SUPPORTED = auto()
    PROCESSING_ERROR = auto()
    DECLINED = auto()
    """From INSUFFICIENT_FUNDS to here: declined with the DeclineCode of that name."""


class Bank(Enum):
    """What taskers tell in their onboarding, by what becomes of it."""

    GOOD = auto()
    """ACTIVE at once; payouts wait for `pay` or `fail_payout`."""
    INCOMPLETE = auto()
    """The provider wants to know more."""
    REJECTED = auto()


class World(Protocol):
    """A provider with all that happens there, for one implementation of the port."""

    @property
    def provider(self) -> Provider:
        """The implementation, connected to this world."""

    async def give_card(self, setup: Setup, card: TestCard) -> None:
        """The payer's client gives a card to the provider, by the client secret."""

    async def answer_challenge(self, charge: Charge, *, passes: bool) -> None:
        """The payer proves to their bank who they are, or fails to."""

    async def settle(self, charge: Charge, *, succeeds: bool) -> None:
        """A charge that is being processed comes to its end."""

    async def finish_onboarding(self, account: str, url: str, bank: Bank) -> None:
        """The tasker goes through the provider's pages."""

    async def restrict(self, account: str) -> None:
        """The provider wants to know more of a tasker whose account was active."""

    async def pay(self, payout: Payout) -> None:
        """The tasker's bank takes a payout."""

    async def fail_payout(self, payout: Payout, fault: PayoutFault) -> None:
        """The tasker's bank sends a payout back."""

    async def fail_refund(self, refund: Refund) -> None:
        """The payer's bank sends a refund back."""

    async def open_dispute(self, charge: Charge) -> str:
        """The payer has their bank take a charge back, as `fraudulent`. The id of the dispute."""

    async def close_dispute(self, dispute: Dispute, *, won: bool) -> None:
        """The bank decides; `won`: for us."""

    def lost(self, *, done: bool) -> AbstractAsyncContextManager[None]:
        """Within it the answers to calls that do something are lost; `done`: what they asked for is done."""

    async def webhook(self, kind: Kind, object_id: str) -> tuple[bytes, Mapping[str, str]]:
        """Body and headers of a webhook about an object, once there is one; each is answered once only."""

    def sign(self, body: bytes) -> Mapping[str, str]:
        """The headers with which the provider would send this body now."""
