"""The outbox (发件箱): messages that leave the system, written with what caused them."""

from piccolo.columns import JSONB, Integer, Text, Timestamptz

from jingwei_sdk.tables import TenantTable


class OutboxMessage(TenantTable, tablename="outbox_message", schema="core"):
    """待发消息: delivered at least once by a job; ``id`` lets the receiver drop a repetition."""

    INDEXES = (("status", "created_at"),)

    channel = Text(default=None, null=False)
    payload = JSONB(default=None, null=False)
    status = Text(default="waiting", null=False, help_text="waiting, delivered or failed")
    attempts = Integer(default=0, null=False)
    last_error = Text(default="", null=False)
    delivered_at = Timestamptz(default=None, null=True)
    leased_until = Timestamptz(default=None, null=True, help_text="an attempt runs until then")
