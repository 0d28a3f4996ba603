"""Handing mail over (投递邮件): one message to the work address of an account, by SMTP.

``Message-ID`` is made of the message's id, the same over all attempts: a server or reader drops a
repetition by it (RFC 5322 §3.6.4). ``Auto-Submitted`` keeps answering machines quiet (RFC 3834).
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from jingwei_core.notifications.mail_settings import MailSettings, read_mail_settings
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.channels import Delivered, Later, Letter, Message, Outcome, Rejected
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Unavailable

_ADDRESS = "SELECT email FROM core.account WHERE id = $1 AND status = 'active'"
NO_ADDRESS = "MAIL_NO_ADDRESS"
NOT_FOR_GOOD = 400
FOR_GOOD = range(500, 600)
"""Replies of a server that will not change (RFC 5321 §4.2.1)."""


async def deliver_mail(ctx: Context, message: Message) -> Outcome:
    """One attempt to hand the letter to the operator's mail server."""
    letter = message.letter
    assert letter is not None
    to = letter.address or await _address(ctx, letter)
    if not to:
        return Rejected(NO_ADDRESS)
    try:
        settings = read_mail_settings()
    except Unavailable as failure:
        return Later(str(failure))
    try:
        mail = mail_of(message, letter, to, settings)
    except ValueError:
        return Rejected("MAIL_UNFIT")
    return await _handed_over(mail, settings)


async def _address(ctx: Context, letter: Letter) -> str | None:
    """The account's address, in a transaction that is over before the server is spoken to."""
    assert isinstance(ctx, CoreContext)
    async with system_context(ctx.platform, ctx.tenant, ctx.actor.name) as own:
        found: str | None = await own.data.fetchval(_ADDRESS, letter.account)
    return found


def mail_of(message: Message, letter: Letter, to: str, settings: MailSettings) -> EmailMessage:
    """The letter as mail; raises ``ValueError`` for an address or subject that is none."""
    mail = EmailMessage()
    mail["From"] = Address(addr_spec=settings.sender)
    mail["To"] = Address(addr_spec=to)
    mail["Subject"] = " ".join((letter.subject or letter.text).split())[:120]
    mail["Date"] = format_datetime(message.sent_at)
    mail["Message-ID"] = f"<{message.id}@{settings.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{letter.text}\n\n{letter.link}".rstrip() + "\n")
    return mail


async def _handed_over(mail: EmailMessage, settings: MailSettings) -> Outcome:
    try:
        await aiosmtplib.send(
            mail,
            hostname=settings.host,
            port=settings.port,
            username=settings.user or None,
            password=settings.password.get_secret_value() or None,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            timeout=settings.timeout_s,
        )
    except aiosmtplib.SMTPRecipientsRefused as refused:
        codes = [each.code for each in refused.recipients]
        return _told(max(codes, default=NOT_FOR_GOOD))
    except aiosmtplib.SMTPAuthenticationError as refused:
        # The operator's to mend: the letter is good.
        return Later(f"MAIL_SIGN_IN {refused.code}")
    except aiosmtplib.SMTPResponseException as refused:
        return _told(refused.code)
    except (aiosmtplib.SMTPException, OSError) as error:
        return Later(f"MAIL_UNREACHABLE {type(error).__name__}")
    return Delivered()


def _told(code: int) -> Outcome:
    """What a refusal of the server means; its words may quote an address and are not kept."""
    reason = f"MAIL_REFUSED {code}"
    return Rejected(reason) if code in FOR_GOOD else Later(reason)
