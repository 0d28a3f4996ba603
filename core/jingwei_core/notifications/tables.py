"""Notifications (通知): what accounts were told, how they are reached, the rules of the tenant."""

from piccolo.columns import JSONB, UUID, Array, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_core.notifications.states import Outward, Urgency
from jingwei_sdk.tables import TenantFK, TenantTable, choice


class Notification(TenantTable, tablename="notification", schema="core"):
    """通知: an account is told of a matter.

    The text is made when it is read, of what the reader may see then: ``params`` holds public words
    and never a value of the record that it is about. ``cause`` lets the same thing be told once.
    """

    UNIQUE = (("account", "cause"),)

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    code = Text(default=None, null=False, help_text="code of the text")
    params = JSONB(default="{}", null=False, help_text="public words that the text speaks of")
    subject_type = Text(default=None, null=False, help_text="record that it is about")
    subject_id = UUID(default=None, null=False)
    place_path = Text(default="", null=False, help_text="where that lies")
    urgency = choice(Urgency, Urgency.USUAL)
    cause = Text(default=None, null=True, help_text="what made it; told to an account once")
    read_at = Timestamptz(default=None, null=True)
    outward = choice(Outward, Outward.WAITING)
    waits_until = Timestamptz(default=None, null=True, help_text="when a job looks at it again")
    sent_at = Timestamptz(default=None, null=True)
    letter = UUID(default=None, null=True, help_text="the same for all that left together")


class NotificationSetting(TenantTable, tablename="notification_setting", schema="core"):
    """通知设置: how an account wants to be reached; what is null is as the tenant's rules say."""

    UNIQUE = (("account",),)

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    now_channels = Array(base_column=Text(), default=None, null=True, help_text="at once")
    usual_channels = Array(base_column=Text(), default=None, null=True, help_text="as it comes")
    digest_channels = Array(base_column=Text(), default=None, null=True, help_text="in a digest")
    quiet_from = Text(default=None, null=True, help_text="HH:MM, the tenant's time")
    quiet_to = Text(default=None, null=True, help_text="HH:MM, as quiet_from for no quiet hours")
    digest_at = Array(base_column=Text(), default=None, null=True, help_text="HH:MM, each a digest")
    locale = Text(default=None, null=True, help_text="language of what is sent, zh or en")


class NotificationRules(TenantTable, tablename="notification_rules", schema="core"):
    """通知规则: one row a tenant; what its package says in ``notifications.toml``."""

    UNIQUE = ((),)
    IS_SMALL = True

    definition = JSONB(default=None, null=False, help_text="reads as notifications.toml")
