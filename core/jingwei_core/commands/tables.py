"""Idempotency keys (幂等键): the answer a command gave, kept for its repetition."""

from piccolo.columns import JSONB, Text
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_sdk.tables import TenantFK, TenantTable


class CommandKey(TenantTable, tablename="command_key", schema="core"):
    """幂等键: unique by account and key; the digest tells a repetition from a different command."""

    UNIQUE = (("account", "key"),)

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    key = Text(default=None, null=False)
    command = Text(default=None, null=False)
    digest = Text(default=None, null=False)
    answer = JSONB(default=None, null=True)
