"""Words that titles have."""

from sqlalchemy import Index

from shared.database.models import key_field
from subgraphs.tasks.models.base import Base


class Word(Base, table=True):
    """A word in the titles of published tasks, by which misspelt ones are recognised. Triggers on `tasks` write it."""

    __tablename__ = "words"
    __table_args__ = (
        Index("words_by_similarity", "word", postgresql_using="gist", postgresql_ops={"word": "gist_trgm_ops"}),
    )

    word: str = key_field(primary_key=True)
