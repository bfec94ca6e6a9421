"""What can be done with bids: one function per mutation, event and deadline, in a module per noun.

Each runs in the caller's transaction, which also holds the events that it emits.
"""

from subgraphs.bids.actions import acceptance, bids, erasure, expiry, invitations, offers, people, steps, tasks

__all__ = ["acceptance", "bids", "erasure", "expiry", "invitations", "offers", "people", "steps", "tasks"]
