"""Tables of users: accounts, their second factors, their sessions, what people do to each other, exports of data."""

from subgraphs.users.models.accounts import User
from subgraphs.users.models.base import Base
from subgraphs.users.models.blocks import Block
from subgraphs.users.models.engagements import Engagement
from subgraphs.users.models.exports import DataExport, ExportPart
from subgraphs.users.models.mailed_codes import MailedCode
from subgraphs.users.models.mails import Mail
from subgraphs.users.models.money import Balance, Escrow
from subgraphs.users.models.openid import Identity, OpenIdSignIn
from subgraphs.users.models.reports import Report
from subgraphs.users.models.second_factor import RecoveryCode, SecondFactor, SecondFactorChallenge
from subgraphs.users.models.sessions import RefreshToken, Session
from subgraphs.users.models.verification import IdentityVerification

__all__ = [
    "Balance",
    "Base",
    "Block",
    "DataExport",
    "Engagement",
    "Escrow",
    "ExportPart",
    "Identity",
    "IdentityVerification",
    "Mail",
    "MailedCode",
    "OpenIdSignIn",
    "RecoveryCode",
    "RefreshToken",
    "Report",
    "SecondFactor",
    "SecondFactorChallenge",
    "Session",
    "User",
]
