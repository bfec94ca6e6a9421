"""Tables of tasks."""

from subgraphs.tasks.models.agreements import Agreement
from subgraphs.tasks.models.attachments import Attachment, DiscardedFile
from subgraphs.tasks.models.base import Base
from subgraphs.tasks.models.categories import Category
from subgraphs.tasks.models.people import Block, Suspension
from subgraphs.tasks.models.places import Place
from subgraphs.tasks.models.questions import Question
from subgraphs.tasks.models.tasks import Task
from subgraphs.tasks.models.timeline import Step
from subgraphs.tasks.models.words import Word

__all__ = [
    "Agreement",
    "Attachment",
    "Base",
    "Block",
    "Category",
    "DiscardedFile",
    "Place",
    "Question",
    "Step",
    "Suspension",
    "Task",
    "Word",
]
