"""What the statuses of tasks mean here."""

OPEN = "OPEN"
ONGOING = ("OPEN", "ASSIGNED", "IN_PROGRESS", "DELIVERED", "DISPUTED")
"""The place of such a task is needed."""
ENGAGED = ("ASSIGNED", "IN_PROGRESS", "DELIVERED", "DISPUTED")
"""The tasker of such a task is shown where exactly it is."""
EXPIRED = "EXPIRED"
"""Such a task can be open again."""
OVER = ("COMPLETED", "CANCELLED")
"""Such a task is never open again."""
