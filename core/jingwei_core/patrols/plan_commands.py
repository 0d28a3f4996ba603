"""Plans of patrols (巡查计划): entered by people; those of the package are changed there."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import msgspec

from jingwei_core.patrols.finding import PlaceId
from jingwei_core.patrols.records import PATROL_PLAN, PLAN_PATROLS
from jingwei_core.patrols.rules import Classes, Text, Times, may_ask_photos
from jingwei_core.patrols.states import Per
from jingwei_core.patrols.tables import CheckPoint, PatrolPlan
from jingwei_core.places.labels import ancestor_paths
from jingwei_core.places.tables import Place
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

ENTERED = "entered"
MOST_POINTS = 200

PlanId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "PatrolPlan"})]
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]

_ROLE = "SELECT true FROM core.role WHERE code = $1"
_LEVEL = "SELECT true FROM core.place_level WHERE code = $1"
_PATHS = "SELECT id, path FROM core.place WHERE id = ANY($1::uuid[])"
_OF_LEVEL = """
SELECT path FROM core.place
 WHERE level = $1 AND path = ANY($2::text[]) AND starts_with(path, $3)
"""


class PointOfPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A check point; without a place it is the plan's."""

    code: Code
    name: Text
    look_at: Annotated[str, msgspec.Meta(max_length=500)] = ""
    place_id: PlaceId | None = None


class SavePlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A plan to enter, or with ``plan_id`` to put in place of one that people entered.

    With a ``level`` every place of it below ``place_id`` is to be walked, otherwise that place.
    With ``classes`` (场所类别, kinds of organisations) those organisations are looked at, and a
    place without any is not due.
    Check points that are not named any more end today.
    """

    place_id: PlaceId
    code: Code
    name: Text
    role: str
    times: Times = 1
    per: Per = Per.DAY
    level: str = ""
    classes: Classes = ()
    check_points: Annotated[tuple[PointOfPlan, ...], msgspec.Meta(max_length=MOST_POINTS)] = ()
    asks_evidence: bool = False
    evidence_rule: Annotated[str, msgspec.Meta(max_length=200)] = ""
    valid_from: date | None = None
    valid_to: date | None = None
    plan_id: PlanId | None = None


class PlanEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first day on which a plan no longer holds; today unless said otherwise."""

    on: date | None = None


@command("patrol.plan.save", permission=PLAN_PATROLS, at="place_id", returns=PATROL_PLAN)
async def save_plan(ctx: Context, given: SavePlan) -> PatrolPlan:
    """制定巡查计划: say who looks after which places, how often, and what to look at."""
    present = await _present(ctx, given.plan_id)
    await _check(ctx, given)
    place = await ctx.data.get(Place, given.place_id)
    await _check_points(ctx, given, place)
    values: dict[str, Any] = {
        "place_id": given.place_id,
        "code": given.code,
        "name": given.name.strip(),
        "level": given.level,
        "classes": sorted({*given.classes}),
        "role": given.role,
        "times": given.times,
        "per": given.per.value,
        "asks_evidence": given.asks_evidence,
        "evidence_rule": given.evidence_rule.strip(),
        "valid_from": given.valid_from or (present.valid_from if present else ctx.today()),
        "valid_to": given.valid_to,
    }
    _check_days(values["valid_from"], given.valid_to)
    if present is None:
        plan = await ctx.data.insert(PatrolPlan(**values, source=ENTERED))
    else:
        plan = await ctx.data.update(present, **values)
    await _save_points(ctx, plan, given.check_points)
    await ctx.signals.changed("PatrolPlan", plan.id, plan.place_path)
    return plan


@command("patrol.plan.end", permission=PLAN_PATROLS, on=PATROL_PLAN)
async def end_plan(ctx: Context, plan: PatrolPlan, given: PlanEnd) -> PatrolPlan:
    """终止巡查计划: nobody walks it from a day on; what was walked stays."""
    _check_entered(plan)
    on, ends = given.on or ctx.today(), _ends(plan)
    if on < ctx.today():
        raise Invalid("PATROL_PLAN_END_PAST", field="on")
    if ends is not None and ends <= on:
        raise Conflict("PATROL_PLAN_ENDED")
    stored = await ctx.data.update(plan, valid_to=on)
    await ctx.signals.changed("PatrolPlan", stored.id, stored.place_path)
    return stored


async def _present(ctx: Context, plan_id: uuid.UUID | None) -> PatrolPlan | None:
    """The plan to change: it must lie where the actor may plan, too."""
    if plan_id is None:
        return None
    plan = await ctx.data.lock(PatrolPlan, plan_id)
    ctx.require(PLAN_PATROLS, plan.place_path)
    _check_entered(plan)
    return plan


async def _check(ctx: Context, given: SavePlan) -> None:
    if not await ctx.data.fetchval(_ROLE, given.role):
        raise Invalid("PATROL_ROLE_UNKNOWN", field="role", role=given.role)
    if given.level and not await ctx.data.fetchval(_LEVEL, given.level):
        raise Invalid("PATROL_LEVEL_UNKNOWN", field="level", level=given.level)
    if given.asks_evidence:
        if not given.evidence_rule.strip():
            raise Invalid("PATROL_EVIDENCE_RULE", field="evidenceRule")
        if not await may_ask_photos(ctx):
            raise Conflict("PATROL_EVIDENCE_SWITCH_OFF", field="asksEvidence")


async def _check_points(ctx: Context, given: SavePlan, place: Place) -> None:
    """Each check point is named once, and lies in a place that the plan walks: whoever walks it has
    to find it there."""
    if not given.check_points:
        return
    spots = [point.place_id or given.place_id for point in given.check_points]
    paths = {row["id"]: row["path"] for row in await ctx.data.fetch(_PATHS, spots)}
    around = {id_: {path, *ancestor_paths(path)} for id_, path in paths.items()}
    walked = {place.path}
    if given.level:
        asked = (given.level, sorted(set().union(*around.values())), place.path)
        walked = {row["path"] for row in await ctx.data.fetch(_OF_LEVEL, *asked)}
    codes: set[str] = set()
    for at, (point, spot) in enumerate(zip(given.check_points, spots, strict=True)):
        if point.code in codes:
            raise Invalid("PATROL_POINT_TWICE", field=f"checkPoints.{at}.code", point=point.code)
        codes.add(point.code)
        # One out of the plan's area reads as one that is not there.
        if walked.isdisjoint(around.get(spot, ())):
            raise Invalid("PATROL_POINT_ELSEWHERE", field=f"checkPoints.{at}.placeId")


async def _save_points(ctx: Context, plan: PatrolPlan, points: Sequence[PointOfPlan]) -> None:
    present = {row.code: row for row in await ctx.data.find(CheckPoint, plan=plan.id)}
    new: list[CheckPoint] = []
    for point in points:
        values: dict[str, Any] = {
            "name": point.name.strip(),
            "look_at": point.look_at,
            "place_id": point.place_id or plan.place_id,
        }
        row = present.pop(point.code, None)
        if row is None:
            new.append(CheckPoint(plan=plan.id, code=point.code, source=ENTERED, **values))
        else:
            await ctx.data.update(row, **values, valid_to=None)
    for row in present.values():
        ended: date | None = row.valid_to
        if ended is None:
            await ctx.data.update(row, valid_to=ctx.today())
    await ctx.data.insert_all(new)


def _check_entered(plan: PatrolPlan) -> None:
    if plan.source != ENTERED:
        raise Conflict("PATROL_PLAN_OF_PACKAGE", plan=plan.code)


def _check_days(begins: object, ends: date | None) -> None:
    assert isinstance(begins, date)
    if ends is not None and ends <= begins:
        raise Invalid("VALID_DAYS", field="validTo")


def _ends(plan: PatrolPlan) -> date | None:
    ends: date | None = plan.valid_to
    return ends


COMMANDS = (save_plan, end_plan)
