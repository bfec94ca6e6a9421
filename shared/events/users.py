"""What `users` tells: accounts, sessions and second factors, identities, who blocks whom."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from shared.events.base import DELETED_NAME, Event, Personal


class _UserEvent(Event):
    topic: ClassVar[str] = "users.user"

    user_id: str

    @property
    def stream(self) -> str:
        return f"user:{self.user_id}"


class UserRegistered(_UserEvent):
    """Somebody signed up."""

    type: ClassVar[str] = "users.user.registered"

    display_name: Annotated[str, Personal("user_id", DELETED_NAME)]
    roles: tuple[str, ...]
    status: str


class UserEmailVerified(_UserEvent):
    """A user showed that the e-mail address of their account is theirs; carries the account's status from then on."""

    type: ClassVar[str] = "users.user.email_verified"

    status: str
    verified_at: AwareDatetime


class UserProfileUpdated(_UserEvent):
    """A user changed their profile; carries what others need of it, as it is now. Never the phone number."""

    type: ClassVar[str] = "users.user.profile_updated"

    display_name: Annotated[str, Personal("user_id", DELETED_NAME)]
    bio: Annotated[str | None, Personal("user_id", None)] = None
    avatar_url: Annotated[str | None, Personal("user_id", None)] = None
    skills: Annotated[tuple[str, ...] | None, Personal("user_id", None)] = Field(
        None, description="All of them; null where an older event does not tell."
    )
    locale: Annotated[str | None, Personal("user_id", None)] = Field(
        None, description="`EN` or `TH`; null where an older event does not tell."
    )
    time_zone: Annotated[str | None, Personal("user_id", None)] = Field(
        None, description="An IANA name such as `Asia/Bangkok`; null where an older event does not tell."
    )


class UserSessionRevoked(_UserEvent):
    """A session ended before its time: logged out, a new password, or its refresh token was used twice.

    Access tokens of the session are refused from then on.
    """

    type: ClassVar[str] = "users.user.session_revoked"

    session_id: str
    expires_at: AwareDatetime = Field(description="When the last access token of the session expires by itself.")


class UserRoleGranted(_UserEvent):
    """A user got a role; `roles` are all that they hold now."""

    type: ClassVar[str] = "users.user.role_granted"

    role: str
    roles: tuple[str, ...]
    by: str | None = Field(None, description="The admin's id; null for an operator at the command line.")


class UserRoleRevoked(_UserEvent):
    """A user lost a role; `roles` are all that they hold now. Their sessions end, since tokens name roles."""

    type: ClassVar[str] = "users.user.role_revoked"

    role: str
    roles: tuple[str, ...]
    by: str | None = Field(None, description="The admin's id.")


class UserSecondFactorEnabled(_UserEvent):
    """A user's logins take a one-time code from now on."""

    type: ClassVar[str] = "users.user.second_factor_enabled"


class UserSecondFactorDisabled(_UserEvent):
    """A user's logins take no one-time code any more."""

    type: ClassVar[str] = "users.user.second_factor_disabled"


class UserSecondFactorRemoved(_UserEvent):
    """An admin took away the second factor of a user who had lost it: their logins take no one-time code any more."""

    type: ClassVar[str] = "users.user.second_factor_removed"

    reason: Annotated[str, Personal("user_id")]
    by: str = Field(description="The admin's id.")


class UserRecoveryCodesRegenerated(_UserEvent):
    """A user has new recovery codes; the old ones are worth nothing."""

    type: ClassVar[str] = "users.user.recovery_codes_regenerated"


class UserRecoveryCodeUsed(_UserEvent):
    """A user gave a recovery code in the place of a one-time code."""

    type: ClassVar[str] = "users.user.recovery_code_used"

    recovery_codes_left: int


class UserIdentityLinked(_UserEvent):
    """A user can sign in by way of a provider from now on."""

    type: ClassVar[str] = "users.user.identity_linked"

    provider: str = Field(description="The provider's id.")


class UserIdentityUnlinked(_UserEvent):
    """A user cannot sign in by way of an identity any more."""

    type: ClassVar[str] = "users.user.identity_unlinked"

    provider: str = Field(description="The provider's id.")


class UserSuspended(_UserEvent):
    """An admin suspended a user; all their access tokens are refused from then on."""

    type: ClassVar[str] = "users.user.suspended"

    reason: Annotated[str, Personal("user_id")]
    by: str | None = Field(None, description="The admin's id.")


class UserReinstated(_UserEvent):
    """An admin lifted a suspension."""

    type: ClassVar[str] = "users.user.reinstated"

    by: str | None = Field(None, description="The admin's id.")


class UserVerificationSubmitted(_UserEvent):
    """A user submitted a document for a check of their identity."""

    type: ClassVar[str] = "users.user.verification_submitted"

    verification_id: str
    document_type: str = Field(description="`NATIONAL_ID`, `PASSPORT` or `DRIVER_LICENSE`.")


class UserVerified(_UserEvent):
    """An admin accepted a document: the user is who they say until `expires_at`."""

    type: ClassVar[str] = "users.user.verified"

    verification_id: str
    expires_at: AwareDatetime
    by: str = Field(description="The admin's id.")


class UserVerificationRejected(_UserEvent):
    """An admin did not accept a document."""

    type: ClassVar[str] = "users.user.verification_rejected"

    verification_id: str
    reason: str = Field(
        description="`INVALID_NUMBER`, `NAME_MISMATCH`, `DOCUMENT_EXPIRED`, `DOCUMENT_NOT_SUPPORTED` or "
        "`CANNOT_CONFIRM`."
    )
    by: str = Field(description="The admin's id.")


class UserVerificationExpired(_UserEvent):
    """An accepted document counts no more: its time is over. The user is not verified now."""

    type: ClassVar[str] = "users.user.verification_expired"

    verification_id: str


class UserDocumentRevealed(_UserEvent):
    """An admin was shown the number of a document in full."""

    type: ClassVar[str] = "users.user.document_revealed"

    verification_id: str
    by: str = Field(description="The admin's id.")


class UserBlocked(_UserEvent):
    """A user wants nothing to do with another one; in the stream of the one who blocks."""

    type: ClassVar[str] = "users.user.blocked"

    blocked_id: str


class UserUnblocked(_UserEvent):
    """A user took a block back."""

    type: ClassVar[str] = "users.user.unblocked"

    blocked_id: str


class UserReported(_UserEvent):
    """A user reported another one; in the stream of the one who reports. What they wrote stays in users."""

    type: ClassVar[str] = "users.user.reported"

    report_id: str
    reported_id: str
    reason: str


class UserExportRequested(_UserEvent):
    """A user wants all of their data: every subgraph answers with what it holds, sealed to the key."""

    type: ClassVar[str] = "users.user.export_requested"

    export_id: str
    public_key: str = Field(description="X25519, base64; the private half exists in `users` alone, until it expires.")


class UserErased(_UserEvent):
    """A user left: every subgraph erases what it holds of them. Ids stay."""

    type: ClassVar[str] = "users.user.erased"

    by: str | None = Field(None, description="The admin's id; null for the user themselves.")
    reason: Annotated[str | None, Personal("user_id", None)] = Field(None, description="Why an admin did it.")


class UserExportReady(_UserEvent):
    """Everything that a user asked for is there to be read."""

    type: ClassVar[str] = "users.user.export_ready"

    export_id: str
