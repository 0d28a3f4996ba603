"""Reminders of the leak tests: each account's own."""

from datetime import date

from jingwei_core.database.unit import Unit
from jingwei_core.reminders.tables import Reminder
from tests.leak.world import City


async def plant_reminder(city: City, unit: Unit, owner: str) -> None:
    """A reminder of an account, full of canaries."""
    zone = "theirs" if owner == "far_worker" else "mine"
    told = city.canary(zone, "reminder")
    account = city.accounts[owner]
    subject = {"subject_type": "Account", "subject_id": account, "day": date(2026, 11, 20)}
    said = {"code": told, "message": told, "params": {"name": told}}
    await city.plant(unit, Reminder, zone, account=account, **said, **subject)
