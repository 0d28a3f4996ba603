"""The channel ``email`` (电子邮件), by the mail server that the operator set up."""

from jingwei_core.notifications.channels import EMAIL
from jingwei_sdk.channels import Channel, Message, Outcome
from jingwei_sdk.context import Context


async def by_email(ctx: Context, message: Message) -> Outcome:
    """One attempt to hand the letter to the operator's mail server."""
    # Only processes that send mail need its libraries.
    from jingwei_core.notifications.mail_delivery import deliver_mail

    return await deliver_mail(ctx, message)


CHANNEL = Channel(
    EMAIL,
    "电子邮件",
    "E-mail",
    by_email,
    reaches="person",
    timeout_s=90.0,
    description="To the work address of the account, by the mail server that the operator set up.",
)
