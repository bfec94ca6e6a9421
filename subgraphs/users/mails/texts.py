"""What each mail says, in each language.

None of them holds a name or anything else that a person chose: whoever signs up with somebody else's address
would have us mail their words to that person.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.mail import Action, Letter
from subgraphs.users.rules.mails import Template
from subgraphs.users.rules.profile import Locale


@dataclass(frozen=True, slots=True)
class _Text:
    subject: str
    paragraphs: tuple[str, ...]
    label: str
    after: tuple[str, ...]


_PATHS = {
    Template.VERIFY_EMAIL: "verify-email",
    Template.RESET_PASSWORD: "reset-password",
    Template.PASSWORD_RESET: "forgot-password",
    Template.PASSWORD_CHANGED: "forgot-password",
}

_TEXTS: dict[Locale, dict[Template, _Text]] = {
    Locale.EN: {
        Template.VERIFY_EMAIL: _Text(
            "Confirm your e-mail address",
            ("Hello,", "an account was opened at Service Exchange with this address. Please confirm that it is yours."),
            "Confirm this address",
            (
                "The link holds for 24 hours and can be used once.",
                "If you did not open an account, do not use the link: somebody else would have one in your name.",
            ),
        ),
        Template.RESET_PASSWORD: _Text(
            "Set a new password",
            ("Hello,", "somebody asked to set a new password for the account at Service Exchange with this address."),
            "Set a new password",
            (
                "The link holds for 30 minutes and can be used once. Setting a new password signs you out everywhere.",
                "If it was not you, ignore this mail: your password stays as it is. Never pass this link on.",
            ),
        ),
        Template.PASSWORD_RESET: _Text(
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
        Template.PASSWORD_CHANGED: _Text(
            "Your password was changed",
            (
                "Hello,",
                "on {when} the password of your account at Service Exchange was changed with the present password.",
                "All other devices were signed out.",
            ),
            "Set another password",
            ("If it was you, there is nothing to do. If it was not, set another password at once.",),
        ),
    },
    Locale.TH: {
        Template.VERIFY_EMAIL: _Text(
            "โปรดยืนยันอีเมลของคุณ",
            ("สวัสดี", "มีการเปิดบัญชี Service Exchange ด้วยอีเมลนี้ โปรดยืนยันว่าเป็นอีเมลของคุณ"),
            "ยืนยันอีเมลนี้",
            (
                "ลิงก์นี้ใช้ได้ภายใน 24 ชั่วโมง และใช้ได้เพียงครั้งเดียว",
                "หากคุณไม่ได้เปิดบัญชี โปรดอย่าใช้ลิงก์นี้ มิฉะนั้นผู้อื่นจะมีบัญชีในชื่อของคุณ",
            ),
        ),
        Template.RESET_PASSWORD: _Text(
            "ตั้งรหัสผ่านใหม่",
            ("สวัสดี", "มีผู้ขอตั้งรหัสผ่านใหม่สำหรับบัญชี Service Exchange ที่ใช้อีเมลนี้"),
            "ตั้งรหัสผ่านใหม่",
            (
                "ลิงก์นี้ใช้ได้ภายใน 30 นาที และใช้ได้เพียงครั้งเดียว เมื่อตั้งรหัสผ่านใหม่แล้ว คุณจะออกจากระบบในทุกอุปกรณ์",
                "หากคุณไม่ได้เป็นผู้ขอ ไม่ต้องทำอะไร รหัสผ่านของคุณจะไม่เปลี่ยนแปลง และโปรดอย่าส่งต่อลิงก์นี้ให้ผู้อื่น",
            ),
        ),
        Template.PASSWORD_RESET: _Text(
            "รหัสผ่านของคุณถูกตั้งใหม่แล้ว",
            (
                "สวัสดี",
                "เมื่อ {when} รหัสผ่านบัญชี Service Exchange ของคุณถูกตั้งใหม่ผ่านลิงก์ที่เราส่งมายังอีเมลนี้ และคุณได้ออกจากระบบในทุกอุปกรณ์แล้ว",
            ),
            "ตั้งรหัสผ่านอีกครั้ง",
            ("หากคุณเป็นผู้ดำเนินการ ไม่ต้องทำอะไรเพิ่มเติม หากไม่ใช่ โปรดตั้งรหัสผ่านใหม่ทันที และตรวจสอบว่ามีผู้อื่นเข้าถึงอีเมลของคุณหรือไม่",),
        ),
        Template.PASSWORD_CHANGED: _Text(
            "รหัสผ่านของคุณถูกเปลี่ยนแล้ว",
            (
                "สวัสดี",
                "เมื่อ {when} รหัสผ่านบัญชี Service Exchange ของคุณถูกเปลี่ยนโดยผู้ที่ทราบรหัสผ่านเดิม และอุปกรณ์อื่นทั้งหมดได้ออกจากระบบแล้ว",
            ),
            "ตั้งรหัสผ่านอีกครั้ง",
            ("หากคุณเป็นผู้ดำเนินการ ไม่ต้องทำอะไรเพิ่มเติม หากไม่ใช่ โปรดตั้งรหัสผ่านใหม่ทันที",),
        ),
    },
}


def letter(template: Template, locale: Locale, *, web_app_url: str, code: str, happened_at: datetime) -> Letter:
    """The mail of a template. `code` goes into the link behind a `#`, which no server and no log gets to see."""
    text = _TEXTS[locale][template]
    when = f"{happened_at:%Y-%m-%d %H:%M} UTC"
    url = f"{web_app_url.rstrip('/')}/{_PATHS[template]}"
    return Letter(
        subject=text.subject,
        paragraphs=tuple(each.replace("{when}", when) for each in text.paragraphs),
        action=Action(text.label, f"{url}#token={code}" if code else url),
        after=text.after,
        language=locale.lower(),
    )
