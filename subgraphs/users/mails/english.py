"""What each mail says in English."""

from subgraphs.users.mails.wording import Wording
from subgraphs.users.rules.mails import Template

WORDINGS: dict[Template, Wording] = {
    Template.VERIFY_EMAIL: Wording(
        "Confirm your e-mail address",
        ("Hello,", "an account was opened at Service Exchange with this address. Please confirm that it is yours."),
        "Confirm this address",
        (
            "The link holds for 24 hours and can be used once.",
            "If you did not open an account, do not use the link: somebody else would have one in your name.",
        ),
    ),
    Template.RESET_PASSWORD: Wording(
        "Set a new password",
        ("Hello,", "somebody asked to set a new password for the account at Service Exchange with this address."),
        "Set a new password",
        (
            "The link holds for 30 minutes and can be used once. Setting a new password signs you out everywhere.",
            "If it was not you, ignore this mail: your password stays as it is. Never pass this link on.",
        ),
    ),
    Template.PASSWORD_RESET: Wording(
        "Your password was reset",
        (
            "Hello,",
            "on {when} the password of your account at Service Exchange was reset by a link out of a mail.",
            "You were signed out everywhere.",
        ),
        "Set another password",
        (
            "If it was you, there is nothing to do.",
            "If it was not, set another password at once, and see who else reads your mail.",
        ),
    ),
    Template.PASSWORD_CHANGED: Wording(
        "Your password was changed",
        (
            "Hello,",
            "on {when} the password of your account at Service Exchange was changed by somebody who was signed in.",
            "All other devices were signed out.",
        ),
        "Set another password",
        ("If it was you, there is nothing to do. If it was not, set another password at once.",),
    ),
    Template.SECOND_FACTOR_ENABLED: Wording(
        "Your account now asks for a second factor",
        (
            "Hello,",
            "on {when} a second factor was set up for your account at Service Exchange.",
            "Signing in takes a code of an authenticator app from now on. All other devices were signed out.",
        ),
        "Set another password",
        (
            "If it was you, there is nothing to do. Keep the recovery codes where you find them without your phone.",
            "If it was not, set another password at once, and write to our support.",
        ),
    ),
    Template.SECOND_FACTOR_DISABLED: Wording(
        "Your account asks for no second factor any more",
        (
            "Hello,",
            "on {when} the second factor of your account at Service Exchange was given up.",
            "Signing in takes no code any more. All other devices were signed out.",
        ),
        "Set another password",
        (
            "If it was you, there is nothing to do.",
            "If it was not, set another password at once, and set the second factor up again.",
        ),
    ),
    Template.SECOND_FACTOR_REMOVED: Wording(
        "The second factor of your account was removed",
        (
            "Hello,",
            "on {when} our support removed the second factor of your account at Service Exchange.",
            "Signing in takes no code any more, and the recovery codes are worth nothing.",
            "You were signed out everywhere.",
        ),
        "Set another password",
        (
            "If you asked for it, sign in and set up a new second factor.",
            "If you did not, set another password at once, and write to our support.",
        ),
    ),
    Template.RECOVERY_CODES_REGENERATED: Wording(
        "Your recovery codes were replaced",
        (
            "Hello,",
            "on {when} new recovery codes were made for your account at Service Exchange.",
            "The old ones are worth nothing any more.",
        ),
        "Set another password",
        ("If it was you, there is nothing to do. If it was not, set another password at once.",),
    ),
    Template.RECOVERY_CODE_USED: Wording(
        "A recovery code of yours was used",
        (
            "Hello,",
            "on {when} a recovery code was used for your account at Service Exchange.",
            "It stood in the place of a code of your authenticator app. Recovery codes left: {left}.",
        ),
        "Set another password",
        (
            "If it was you, there is nothing to do; before none is left, make new ones.",
            "If it was not, set another password at once, and make new recovery codes.",
        ),
    ),
    Template.IDENTITY_LINKED: Wording(
        "Another way to sign in to your account",
        (
            "Hello,",
            "on {when} an account at {provider} was connected with your account at Service Exchange.",
            "Whoever signs in there gets in here.",
        ),
        "Set another password",
        (
            "If it was you, there is nothing to do.",
            "If it was not, set another password at once, sign out everywhere, and disconnect that account.",
        ),
    ),
    Template.IDENTITY_UNLINKED: Wording(
        "One way less to sign in to your account",
        (
            "Hello,",
            "on {when} an account at {provider} was disconnected from your account at Service Exchange.",
            "Signing in there does not get you in here any more.",
        ),
        "Set another password",
        ("If it was you, there is nothing to do. If it was not, set another password at once.",),
    ),
    Template.SET_UP_ENDED: Wording(
        "Your account was cleared of what others may have set up",
        (
            "Hello,",
            "on {when} somebody showed for the first time that this address is theirs, by a link out of a mail.",
            "Somebody else may have opened the account at Service Exchange, so what was set up for it was ended.",
            "Second factors: {factors}; accounts elsewhere: {identities}; documents: {documents}; phones: {phones}.",
        ),
        "Set another password",
        (
            "What of it was yours you can set up again.",
            "If you did not open the account, set another password at once: only you can, by a mail to this address.",
        ),
    ),
    Template.ACCOUNT_SUSPENDED: Wording(
        "Your account was suspended",
        (
            "Hello,",
            "on {when} your account at Service Exchange was suspended.",
            "You were signed out everywhere and cannot sign in.",
            "Our support tells you the reason, and looks into it again if you ask for that.",
        ),
    ),
    Template.ACCOUNT_REINSTATED: Wording(
        "Your account is open again",
        (
            "Hello,",
            "on {when} the suspension of your account at Service Exchange was lifted. You can sign in again.",
        ),
        "Sign in",
    ),
    Template.ACCOUNT_ERASED: Wording(
        "Your account was erased",
        (
            "Hello,",
            "on {when} your account at Service Exchange was erased, with what you wrote and what was kept of you.",
            "This cannot be undone, and this is the last mail that you get: your address is forgotten with it.",
            "If it was not you who asked for it, tell our support, and see who else knows your passwords.",
        ),
    ),
}
