"""Reports of the public in the leak tests: one in each of two grids, with a contact that is masked,
and how often somebody asked."""

import hashlib
import uuid

from jingwei_core.database.unit import Unit
from jingwei_core.public_reports.tables import PublicReport, PublicReportRules
from tests.leak.world import NOW, City


async def plant_public_rules(city: City, unit: Unit) -> None:
    """The rules of the whole city."""
    rules = {"notice_zh": city.canary("wide", "public")}
    await city.plant(unit, PublicReportRules, "wide", definition=rules)


async def plant_public_report(city: City, unit: Unit, zone: str, event: uuid.UUID) -> None:
    """The report that an event came with; no field shows its code, nor its contact in clear."""
    told, hidden = city.canary(zone, "public"), city.canary("hidden", f"{zone}.public")
    await city.plant(
        unit,
        PublicReport,
        zone,
        place_id=city.places[PLACES[zone]],
        event=event,
        code_digest=hashlib.sha256(hidden.encode()).hexdigest() + hidden,
        name=f"张{hidden}",
        phone=hidden,
        answer=told,
        answered_at=NOW,
        answered_by=city.accounts["far_worker" if zone == "far" else "chief"],
        rating=3,
        opinion=told,
        rated_at=NOW,
        contact_removed_at=NOW,
    )


PLACES = {"city": "street", "near": "near", "far": "far"}
