"""Reminders (提醒): what an account was told is due, once a day for each matter."""

from piccolo.columns import JSONB, UUID, Date, Text
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_sdk.tables import TenantFK, TenantTable


class Reminder(TenantTable, tablename="reminder", schema="core"):
    """提醒: an account is told of a matter that is due on a day; the text is the plugin's."""

    UNIQUE = (("account", "code", "subject_type", "subject_id", "day"),)
    INDEXES = (("account", "created_at", "id"), ("day",))

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    code = Text(default=None, null=False, help_text="<plugin>.<reminder>")
    message = Text(default=None, null=False, help_text="code of the text")
    params = JSONB(default="{}", null=False, help_text="what the text speaks of")
    subject_type = Text(default=None, null=False, help_text="record that it is about")
    subject_id = UUID(default=None, null=False)
    day = Date(default=None, null=False, help_text="the tenant's calendar day")
