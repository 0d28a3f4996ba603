"""What the core itself shows (核心界面), by the declarations that a plugin uses."""

from jingwei_sdk.indicators import Indicator
from jingwei_sdk.presence import MapLayer, NavigationItem

NAVIGATION = (
    NavigationItem("core.events", "事件", "Events", "Event", "event.read", 10),
    NavigationItem(
        "core.organisations", "单位", "Organisations", "Organisation", "organisation.read", 20
    ),
    NavigationItem("core.people", "居民", "Residents", "Person", "person.read", 25),
    NavigationItem("core.places", "区划与网格", "Places", "Place", "place.read", 30),
    NavigationItem(
        "core.notifications",
        "我的通知",
        "My notifications",
        "Notification",
        "notification.read",
        35,
    ),
    NavigationItem("core.reminders", "我的提醒", "My reminders", "Reminder", "reminder.read", 40),
    NavigationItem("core.accounts", "人员", "Staff", "Account", "staff.read", 900),
    NavigationItem("core.roles", "角色", "Roles", "Role", "staff.read", 910),
    NavigationItem("core.audit", "审计记录", "Audit log", "AuditEntry", "audit.read", 920),
)
MAP_LAYERS = (
    MapLayer("core.events", "事件分布", "Events", "Event", "event.read", style={"by": "state"}),
)
INDICATORS = (
    Indicator(
        "core.open-events",
        "Event",
        "在办事件数",
        "Open events",
        "event.read",
        dimensions=("state",),
        where={"is_final": False},
    ),
)
