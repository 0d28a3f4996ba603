"""Patrols and visits of the leak tests: a plan that everybody knows, the rest where it lies."""

import uuid
from collections.abc import Mapping
from datetime import date

from jingwei_core.database.unit import Unit
from jingwei_core.patrols.tables import (
    CheckPoint,
    Patrol,
    PatrolEvidence,
    PatrolPlan,
    PatrolRules,
    Visit,
    VisitNeed,
)
from tests.leak.world import City

DAY = date(2026, 6, 1)
NOT_YET = date(2999, 1, 1)
WALKERS = {"near": "near_worker", "far": "far_worker"}


async def plant_patrols(city: City, unit: Unit, photos: Mapping[str, uuid.UUID]) -> None:
    """Rules and a plan of the whole city; in each of two grids a point, a patrol, a visit.

    ``photos``: that of the patrol by its walker.
    """
    told = city.canary("wide", "patrol")
    named = {"code": "canary", "name_zh": told, "name_en": told}
    level = {**named, "per": "week", "rule": told}
    rules = {"topics": [named], "levels": [level]}
    await city.plant(unit, PatrolRules, "wide", definition=rules)
    where = {"place_id": city.places["near"], "valid_from": DAY}
    said = {"code": told, "name": told, "name_en": told, "evidence_rule": told}
    # It lies in near, whose planners may end it, and is known to everybody.
    more = {**where, **said, "role": "worker", "classes": (told,)}
    plan = await city.plant(unit, PatrolPlan, "wide", "near", **more)
    for zone, walker in WALKERS.items():
        patrol = await _walked(city, unit, zone, plan, city.accounts[walker])
        shown = {"patrol": patrol, "evidence": photos[walker]}
        await city.plant(unit, PatrolEvidence, zone, **shown)


async def _walked(
    city: City, unit: Unit, zone: str, plan: uuid.UUID, walker: uuid.UUID
) -> uuid.UUID:
    told = city.canary(zone, "patrol")
    where = {"place_id": city.places[zone]}
    spot = {"code": told, "name": told, "name_en": told, "look_at": told}
    await city.plant(unit, CheckPoint, zone, **where, **spot, plan=plan)
    by = {"account": walker, "day": DAY, "note": told}
    patrol = await city.plant(unit, Patrol, zone, **where, **by, plan=plan, sites=(uuid.uuid4(),))
    said = {"level": told, "rule": told, "ended_because": told}
    wish = {**where, **said, "begins_on": DAY, "review_on": DAY}
    need = await city.plant(unit, VisitNeed, zone, **wish, next_due_on=DAY)
    await city.plant(unit, VisitNeed, zone, **wish, next_due_on=NOT_YET)
    await city.plant(unit, VisitNeed, zone, **wish, next_due_on=DAY, ended_on=DAY)
    await city.plant(unit, Visit, zone, **where, **by, need=need)
    return patrol
