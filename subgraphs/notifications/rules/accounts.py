"""What people are told about their accounts."""

from shared import events
from subgraphs.notifications.rules.messages import Category, Message, Names, Writers, day


def _registered(event: events.UserRegistered, names: Names) -> list[Message]:
    body = f"Good to have you here, {event.display_name}. Post a task, or look for one to do."
    return [Message(event.user_id, Category.ACCOUNT, "Welcome to Service Exchange", body, "/")]


def _role_granted(event: events.UserRoleGranted, names: Names) -> list[Message]:
    body = f"You now have the role {event.role}. Log in again where you do not see what comes with it."
    return [Message(event.user_id, Category.ACCOUNT, "New role", body, "/")]


def _role_revoked(event: events.UserRoleRevoked, names: Names) -> list[Message]:
    body = f"You no longer have the role {event.role}."
    return [Message(event.user_id, Category.ACCOUNT, "Role taken", body, "/")]


def _reinstated(event: events.UserReinstated, names: Names) -> list[Message]:
    body = "Your account is no longer suspended. Good to have you back."
    return [Message(event.user_id, Category.ACCOUNT, "Welcome back", body, "/")]


def _second_factor_removed(event: events.UserSecondFactorRemoved, names: Names) -> list[Message]:
    body = "Our support removed the second factor of your account. You can set up a new one."
    return [Message(event.user_id, Category.ACCOUNT, "Second factor removed", body, "/account/security")]


def _export_ready(event: events.UserExportReady, names: Names) -> list[Message]:
    body = "Everything that is stored about you can be read for a week."
    return [Message(event.user_id, Category.ACCOUNT, "Your data is ready", body, "/account/data")]


VERIFICATION = "/account/verification"
REJECTED_BECAUSE = {
    "INVALID_NUMBER": "There is no document with this number.",
    "NAME_MISMATCH": "The document is in another name than your account.",
    "DOCUMENT_EXPIRED": "The document has expired.",
    "DOCUMENT_NOT_SUPPORTED": "We cannot check documents of this kind.",
}
REJECTED = "We could not confirm that the document is yours."


def _verified(event: events.UserVerified, names: Names) -> list[Message]:
    body = f"Your document was checked. You are verified until {day(event.expires_at)}."
    return [Message(event.user_id, Category.ACCOUNT, "Identity verified", body, VERIFICATION)]


def _verification_rejected(event: events.UserVerificationRejected, names: Names) -> list[Message]:
    body = f"{REJECTED_BECAUSE.get(event.reason, REJECTED)} You can submit another one."
    return [Message(event.user_id, Category.ACCOUNT, "Document not accepted", body, VERIFICATION)]


def _verification_expired(event: events.UserVerificationExpired, names: Names) -> list[Message]:
    body = "The check of your identity has run out. Submit a document to be verified again."
    return [Message(event.user_id, Category.ACCOUNT, "No longer verified", body, VERIFICATION)]


WRITERS: Writers = {
    events.UserRegistered: _registered,
    events.UserRoleGranted: _role_granted,
    events.UserRoleRevoked: _role_revoked,
    events.UserReinstated: _reinstated,
    events.UserSecondFactorRemoved: _second_factor_removed,
    events.UserExportReady: _export_ready,
    events.UserVerified: _verified,
    events.UserVerificationRejected: _verification_rejected,
    events.UserVerificationExpired: _verification_expired,
}
