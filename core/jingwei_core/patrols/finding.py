"""What was found (发现即上报): a patrol or a visit registers an event in its own transaction."""

import uuid
from datetime import date
from typing import Annotated, Any

import msgspec

from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.registration import register
from jingwei_core.events.reporting import (
    TEXT_LENGTH,
    TITLE_LENGTH,
    IntakeSource,
    ReportEvent,
    check_report,
)
from jingwei_core.events.step_evidence import AttachedEvidence
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
Note = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something found at the place that is walked or visited; it becomes an event there."""

    kind: Annotated[str, msgspec.Meta(max_length=200, description="code of a leaf kind")]
    title: Annotated[str, msgspec.Meta(max_length=TITLE_LENGTH)]
    description: Note = ""
    form: Annotated[
        dict[str, Any], msgspec.Meta(description="the fields that the kind's form asks for")
    ] = {}
    position: ReportedPosition | None = None
    evidence: tuple[AttachedEvidence, ...] = ()
    source: Annotated[
        IntakeSource,
        msgspec.Meta(description="who tells of it: on a visit it may be the resident"),
    ] = IntakeSource.GRID_WORKER
    handling: Annotated[str, msgspec.Meta(max_length=40)] = ""


async def register_finding(
    ctx: Context, place_id: uuid.UUID, found: Finding | None
) -> uuid.UUID | None:
    """Register what was found by the actor at the place; the event's id, ``None`` for nothing.

    Raises what ``event.report`` raises; then nothing of the command is kept.
    """
    if found is None:
        return None
    report = ReportEvent(
        kind=found.kind,
        title=found.title,
        description=found.description,
        form=found.form,
        place_id=place_id,
        position=found.position,
        evidence=found.evidence,
        source=found.source,
        handling=found.handling,
        found_by=ctx.actor.account_id,
    )
    event = await register(ctx, await check_report(ctx, report))
    found_as: uuid.UUID = event.id
    return found_as


def day_of(ctx: Context) -> date:
    """The tenant's calendar day on which it happened: for a device that was offline, that day."""
    happened = ctx.happened_at if isinstance(ctx, CoreContext) else None
    return ctx.today() if happened is None else happened.astimezone(ctx.tenant.timezone).date()
