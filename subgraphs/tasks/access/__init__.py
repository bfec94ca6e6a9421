"""Who may see and do what with tasks, in the words of `shared.access`. Each module has a noun's declarations."""

from shared.access import Declaration
from subgraphs.tasks.access import (
    agreement,
    attachment,
    cancellation,
    category,
    event,
    posting,
    question,
    search,
    task,
    timeline,
    work,
)

ACCESS: list[Declaration] = [
    *category.ACCESS,
    *task.ACCESS,
    *posting.ACCESS,
    *question.ACCESS,
    *work.ACCESS,
    *agreement.ACCESS,
    *timeline.ACCESS,
    *cancellation.ACCESS,
    *search.ACCESS,
    *attachment.ACCESS,
    *event.ACCESS,
]
