"""How notifications are read: each account its own, and nobody another's."""

from jingwei_core.notifications.tables import Notification, NotificationSetting
from jingwei_core.notifications.texts import texts
from jingwei_sdk.records import Computed, Either, OwnedBy, Record

READ = "notification.read"

NOTIFICATION = Record(
    Notification,
    read=READ,
    scope=(OwnedBy("account"),),
    filters=("code", "urgency", "read_at", "created_at"),
    sort=("created_at",),
    hidden=frozenset(
        {"params", "place_path", "cause", "outward", "waits_until", "sent_at", "letter"}
    ),
    relations={"about": Either("subject_type", "subject_id")},
    computed={
        "text": Computed(
            str,
            ("code", "params", "subject_type", "subject_id"),
            texts,
            description="What it says, of what you may see now.",
        )
    },
)

NOTIFICATION_SETTING = Record(
    NotificationSetting,
    read=READ,
    scope=(OwnedBy("account"),),
    sort=("created_at",),
)

RECORDS = (NOTIFICATION, NOTIFICATION_SETTING)
