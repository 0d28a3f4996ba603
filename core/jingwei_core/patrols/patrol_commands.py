"""Patrols (日巡查): a place was walked, which check points were seen, and what was found."""

import uuid
from datetime import date
from typing import Annotated

import msgspec

from jingwei_core.events.step_evidence import AttachedEvidence, claim_evidence
from jingwei_core.patrols.finding import Finding, Note, PlaceId, day_of, register_finding
from jingwei_core.patrols.plan_commands import PlanId
from jingwei_core.patrols.records import LOG_PATROLS, PATROL
from jingwei_core.patrols.rules import may_ask_photos
from jingwei_core.patrols.tables import CheckPoint, Patrol, PatrolEvidence, PatrolPlan
from jingwei_core.places.tables import Place
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid

SiteId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Organisation"})]
PointId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "CheckPoint"})]

_WALKS = """
SELECT EXISTS (SELECT 1 FROM core.post p
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
 WHERE p.account = $1 AND r.code = $2 AND starts_with($3, p.place_path)
   AND p.valid_from <= $4 AND (p.valid_to IS NULL OR p.valid_to > $4))
"""
_SITES = """
SELECT id FROM core.organisation
 WHERE id = ANY($1::uuid[]) AND kind = ANY($2::text[]) AND starts_with(place_path, $3)
"""
_USED = "SELECT true FROM core.patrol_evidence WHERE evidence = ANY($1::uuid[]) LIMIT 1"


class LogPatrol(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A patrol of a place by a plan. What was found becomes an event in the same transaction.

    ``sites`` are the organisations of the plan's classes that were looked at. Photos are taken only
    where the plan asks for them.
    """

    plan_id: PlanId
    place_id: PlaceId
    seen: Annotated[tuple[PointId, ...], msgspec.Meta(max_length=200)] = ()
    sites: Annotated[tuple[SiteId, ...], msgspec.Meta(max_length=200)] = ()
    note: Note = ""
    found: Finding | None = None
    evidence: tuple[AttachedEvidence, ...] = ()


@command("patrol.log", permission=LOG_PATROLS, at="place_id", returns=PATROL)
async def log_patrol(ctx: Context, given: LogPatrol) -> Patrol:
    """记录巡查: say what was seen on a patrol; the day is the tenant's calendar day."""
    day = day_of(ctx)
    place = await ctx.data.get(Place, given.place_id)
    plan = await _plan(ctx, given.plan_id, place, day)
    await _check_walker(ctx, plan, place)
    seen = await _seen(ctx, given, plan, place, day)
    sites = await _sites(ctx, given, plan, place)
    photos = await _photos(ctx, plan, given.evidence)
    event = await register_finding(ctx, given.place_id, given.found)
    stored = await ctx.data.insert(
        Patrol(
            plan=plan.id,
            account=ctx.actor.account_id,
            place_id=given.place_id,
            day=day,
            seen=seen,
            sites=sites,
            note=given.note.strip(),
            event=event,
        )
    )
    await ctx.data.insert_all([PatrolEvidence(patrol=stored.id, evidence=each) for each in photos])
    await ctx.signals.changed("Patrol", stored.id, stored.place_path)
    return stored


async def _plan(ctx: Context, plan_id: uuid.UUID, place: Place, day: date) -> PatrolPlan:
    """The plan, if it says that this place is walked on that day."""
    found = await ctx.data.find(PatrolPlan, id=plan_id)
    if not found:
        raise Invalid("PATROL_PLAN_UNKNOWN", field="planId")
    plan = found[0]
    ends: date | None = plan.valid_to
    if day < plan.valid_from or (ends is not None and day >= ends):
        raise Conflict("PATROL_PLAN_NOT_VALID", field="planId", day=day.isoformat())
    is_covered = (
        place.level == plan.level and place.path.startswith(plan.place_path)
        if plan.level
        else place.id == plan.place_id
    )
    if not is_covered:
        raise Invalid("PATROL_PLACE_NOT_COVERED", field="placeId")
    return plan


async def _check_walker(ctx: Context, plan: PatrolPlan, place: Place) -> None:
    """The role that walks the plan has to be held at the place, by a post or by standing in."""
    if ctx.actor.account_id is None:
        raise Denied("PATROL_WALKER", role=plan.role)
    who = (ctx.actor.account_id, plan.role, place.path, ctx.clock.now())
    if not await ctx.data.fetchval(_WALKS, *who):
        raise Denied("PATROL_WALKER", role=plan.role)


async def _seen(
    ctx: Context, given: LogPatrol, plan: PatrolPlan, place: Place, day: date
) -> list[uuid.UUID]:
    if not given.seen:
        return []
    known = set()
    for point in await ctx.data.find(CheckPoint, plan=plan.id):
        ends: date | None = point.valid_to
        if point.place_path.startswith(place.path) and (ends is None or day < ends):
            known.add(point.id)
    for at, point_id in enumerate(given.seen):
        if point_id not in known:
            raise Invalid("PATROL_POINT_UNKNOWN", field=f"seen.{at}")
    return sorted({*given.seen})


async def _sites(ctx: Context, given: LogPatrol, plan: PatrolPlan, place: Place) -> list[uuid.UUID]:
    wanted = list(given.sites)
    if not wanted:
        return []
    rows = await ctx.data.fetch(_SITES, wanted, list(plan.classes), place.path)
    known = {row["id"] for row in rows}
    for at, site in enumerate(wanted):
        if site not in known:
            raise Invalid("PATROL_SITE_UNKNOWN", field=f"sites.{at}")
    return sorted(known)


async def _photos(
    ctx: Context, plan: PatrolPlan, attached: tuple[AttachedEvidence, ...]
) -> list[uuid.UUID]:
    """The photos to keep: asked for by the plan, while the tenant's rule allows it, or none."""
    asks = plan.asks_evidence and await may_ask_photos(ctx)
    if not asks:
        if attached:
            raise Invalid("PATROL_EVIDENCE_UNASKED", field="evidence")
        return []
    claimed = await claim_evidence(ctx, attached)
    if not claimed.pictures:
        raise Invalid("PATROL_EVIDENCE_MISSING", field="evidence", rule=plan.evidence_rule)
    photos = [each.id for each in claimed.attached]
    if await ctx.data.fetchval(_USED, photos):
        raise Conflict("EVENT_EVIDENCE_USED", field="evidence")
    return photos


COMMANDS = (log_patrol,)
