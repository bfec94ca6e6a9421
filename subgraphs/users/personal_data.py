"""What users holds of persons: exported to them, and erased with them."""

from shared.events import DELETED_NAME
from shared.locale import Locale
from shared.privacy.personal_data import Held, Personal, secret, table_of
from subgraphs.users import models
from subgraphs.users.rules.profile import DEFAULT_TIME_ZONE

_exports = table_of(models.DataExport)
_sessions = table_of(models.Session)
_CHECKS = "Only serves to check what its owner has."

HELD = (
    Held(
        table_of(models.User),
        people=("id",),
        personal={
            "email": Personal("id"),
            "email_verified_at": Personal("id"),
            "password_hash": secret("id", "Only serves to check the password."),
            "display_name": Personal("id", DELETED_NAME),
            "bio": Personal("id"),
            "avatar_url": Personal("id"),
            "skills": Personal("id", []),
            "phone": Personal("id"),
            "locale": Personal("id", Locale.EN),
            "time_zone": Personal("id", DEFAULT_TIME_ZONE),
            "suspension_reason": Personal("id"),
        },
        unseen={"standing_set_by": "An admin's decision is about somebody else."},
        plain=(
            "status",
            "roles",
            "identity_verified_at",
            "identity_verified_until",
            "suspended_at",
            "suspended_from",
            "version",
            "created_at",
            "updated_at",
        ),
    ),
    Held(
        _sessions,
        people=("user_id",),
        personal={"user_agent": Personal("user_id")},
        pseudonymous=("id",),
        plain=("created_at", "last_used_at", "expires_at", "access_expires_at", "ended_at", "end_reason"),
    ),
    Held(
        table_of(models.RefreshToken),
        through={"session_id": (_sessions, "user_id")},
        personal={"token_hash": secret("session_id", _CHECKS), "successor_salt": secret("session_id", _CHECKS)},
        plain=("issued_at", "expires_at", "replaced_at"),
        deleted_with=("session_id",),
    ),
    Held(
        table_of(models.MailedCode),
        people=("user_id",),
        personal={"code_hash": secret("user_id", _CHECKS)},
        plain=("purpose", "created_at", "expires_at"),
        deleted_with=("user_id",),
    ),
    Held(
        # One without a person was asked for by naming an address, and goes or finds its person in a moment; or it
        # tells who left that they are erased, and goes when it is sent, or after a day.
        table_of(models.Mail),
        people=("user_id",),
        personal={"content": secret("user_id", "Holds codes that let somebody in, until it is sent or given up.")},
        pseudonymous=("id",),
        plain=("template", "created_at", "due_at", "attempts"),
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.Block),
        people=("blocker_id",),
        unseen={"blocked_id": "Nobody is told who blocked them."},
        plain=("created_at",),
        deleted_with=("blocker_id", "blocked_id"),
    ),
    Held(
        table_of(models.Report),
        people=("reporter_id",),
        unseen={"reported_id": "Nobody is told who reported them."},
        personal={"text": Personal("reporter_id", "")},
        pseudonymous=("id",),
        plain=("reason", "created_at"),
    ),
    Held(
        table_of(models.IdentityVerification),
        people=("user_id",),
        unseen={"decided_by": "An admin's decision is about somebody else."},
        personal={
            "number": Personal("user_id", b""),
            "fingerprint": secret("user_id", "Only recognises a document that is submitted again.", b""),
            "full_name": Personal("user_id"),
            "last_four": Personal("user_id", ""),
            "country": Personal("user_id"),
            "document_expires_on": Personal("user_id"),
            "rejection_note": Personal("user_id"),
        },
        pseudonymous=("id",),
        plain=(
            "document_type",
            "status",
            "rejection_reason",
            "submitted_at",
            "decided_at",
            "expires_at",
            "version",
        ),
        deleted_with=("user_id",),
    ),
    Held(
        _exports,
        people=("user_id",),
        personal={"private_key": secret("user_id", "Opens the export while it is kept.")},
        pseudonymous=("id",),
        plain=("status", "expected", "requested_at", "ready_at", "expires_at"),
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.ExportPart),
        through={"export_id": (_exports, "user_id")},
        personal={"sealed": secret("export_id", "Each export would hold the earlier ones.")},
        plain=("subgraph", "number", "last"),
        deleted_with=("export_id",),
    ),
    Held(
        table_of(models.SecondFactor),
        people=("user_id",),
        personal={"secret": secret("user_id", "Makes the codes of the second factor: with it anybody could.")},
        plain=("created_at", "enabled_at", "last_step"),
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.RecoveryCode),
        people=("user_id",),
        personal={"code_hash": secret("user_id", _CHECKS)},
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.SecondFactorChallenge),
        people=("user_id",),
        personal={"challenge_hash": secret("user_id", _CHECKS), "password_digest": secret("user_id", _CHECKS)},
        plain=("attempts", "expires_at", "used_at"),
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.Engagement),
        people=("poster_id", "tasker_id"),
        pseudonymous=("task_id",),
        plain=("open", "version"),
    ),
    Held(
        table_of(models.Escrow),
        people=("poster_id", "tasker_id"),
        pseudonymous=("id",),
        plain=("live", "version"),
    ),
    Held(
        table_of(models.Balance),
        people=("user_id",),
        plain=("currency", "available_minor", "on_its_way_minor", "seq"),
    ),
    Held(
        table_of(models.Identity),
        people=("user_id",),
        personal={"subject": Personal("user_id"), "email": Personal("user_id")},
        pseudonymous=("id",),
        plain=("provider", "created_at"),
        deleted_with=("user_id",),
    ),
    Held(
        table_of(models.OpenIdSignIn),
        people=("user_id",),
        personal={"handle_hash": secret("user_id", _CHECKS), "salt": secret("user_id", _CHECKS)},
        plain=("provider", "expires_at"),
        deleted_with=("user_id",),
    ),
)
