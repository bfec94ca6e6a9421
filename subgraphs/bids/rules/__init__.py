"""What may be done with bids, offers and invitations, by whom and when. Pure: no I/O."""

from subgraphs.bids.rules import bids, commands, invitations, offers

__all__ = ["bids", "commands", "invitations", "offers"]
