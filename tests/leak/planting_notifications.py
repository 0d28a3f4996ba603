"""Notifications of the leak tests: each account's own inbox and wishes."""

from jingwei_core.database.unit import Unit
from jingwei_core.notifications.tables import Notification, NotificationSetting
from tests.leak.world import NOW, City


async def plant_notification(city: City, unit: Unit, owner: str) -> None:
    """A notification of an account and how it wants to be reached, full of canaries."""
    zone = "theirs" if owner == "far_worker" else "mine"
    account = city.accounts[owner]
    told = city.canary(zone, "notification")
    said = {"code": told, "params": {"name": told}, "cause": told, "urgency": "usual"}
    subject = {"subject_type": "Account", "subject_id": account, "created_at": NOW}
    await city.plant(unit, Notification, zone, account=account, **said, **subject)
    wish = {"quiet_from": city.canary(zone, "quiet"), "quiet_to": "07:00"}
    await city.plant(unit, NotificationSetting, zone, account=account, **wish)
