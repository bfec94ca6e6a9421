"""Tables of identities at other providers, and of sign-ins there that are under way."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from shared.database.models import key_field, text_field, time_field
from subgraphs.users.models.base import BYTES, KEY, Base


class Identity(Base, table=True):
    """Who somebody is at a provider; it is one account's."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("provider", "subject", name="identities_provider_subject"),)

    id: str = key_field(primary_key=True)
    user_id: str = Field(sa_type=KEY, foreign_key="users.id", index=True)
    provider: str = key_field()
    subject: str = key_field()
    email: str | None = text_field()
    created_at: datetime = time_field()


class OpenIdSignIn(Base, table=True):
    """A sign-in at a provider that is under way, by the SHA-256 of its handle; its answer deletes it.

    State, nonce and PKCE verifier are HMACs of the handle, which only the client has, with the salt: so
    they are stored in no form, and neither half alone makes them. `user_id` is who wants to link an identity.
    """

    __tablename__ = "openid_sign_ins"

    handle_hash: bytes = Field(sa_type=BYTES, primary_key=True)
    salt: bytes = Field(sa_type=BYTES)
    provider: str = key_field()
    user_id: str | None = Field(sa_type=KEY, foreign_key="users.id")
    expires_at: datetime = time_field(index=True)
