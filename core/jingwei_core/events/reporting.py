"""Reporting (上报登记): what a person says to register an event, and how it is checked."""

import uuid
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.placing import ReportedPosition, resolve_placing
from jingwei_core.events.planning import require_photo
from jingwei_core.events.registration import Registration
from jingwei_core.events.step_evidence import AttachedEvidence, claim_evidence
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

PERMISSION = "event.report"
TITLE_LENGTH = 100
TEXT_LENGTH = 2000

PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]


class IntakeSource(StrEnum):
    """Where a report came from (信息来源); plugins open theirs through the event service."""

    GRID_WORKER = "grid_worker"
    RESIDENT = "resident"
    HOTLINE = "hotline"
    MEDIA = "media"
    DEPARTMENT = "department"
    SUPERIOR = "superior"


PUBLIC_SOURCES = frozenset({IntakeSource.RESIDENT, IntakeSource.HOTLINE, IntakeSource.MEDIA})
"""Where the public's reports come from: who registers one is its first receiver (首问负责)."""

PUBLIC = "public"
"""公众自行上报: the source of what residents report without an account; no account may say it."""

_ACTIVE = "SELECT true FROM core.account WHERE id = $1 AND status = 'active'"


class ReportEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A report: its kind, what was found, and where: a place, a position, or both if they agree."""

    kind: Annotated[str, msgspec.Meta(max_length=200, description="code of a leaf kind")]
    title: Annotated[str, msgspec.Meta(max_length=TITLE_LENGTH)]
    description: Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)] = ""
    form: Annotated[
        dict[str, Any], msgspec.Meta(description="the fields that the kind's form asks for")
    ] = {}
    place_id: PlaceId | None = None
    position: ReportedPosition | None = None
    evidence: tuple[AttachedEvidence, ...] = ()
    source: IntakeSource = IntakeSource.GRID_WORKER
    handling: Annotated[
        str,
        msgspec.Meta(
            max_length=40,
            description="general, coordinated, emergency or approval; empty: as the kind is",
        ),
    ] = ""
    found_by: (
        Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"}, description="who found it")]
        | None
    ) = None


async def check_report(ctx: Context, given: ReportEvent) -> Registration:
    """The registration that a report asks for, with the permission checked at its place.

    Raises ``Denied`` and the errors of kind, place, form and evidence, each with its field.
    """
    kind = await reportable_kind(ctx, given.kind)
    placing = await resolve_placing(ctx, given.place_id, given.position)
    ctx.require(PERMISSION, placing.place.path)
    evidence = await claim_evidence(ctx, given.evidence)
    if kind.photo_required:
        require_photo(PhotoPhase.BEFORE, evidence.photos)
    if given.found_by is not None and not await ctx.data.fetchval(_ACTIVE, given.found_by):
        raise Invalid("EVENT_FINDER_UNKNOWN", field="foundBy")
    return Registration(
        kind=kind,
        placing=placing,
        title=clean_text("title", given.title),
        source=given.source.value,
        description=given.description.strip(),
        form=kind.form.check(given.form),
        evidence=evidence,
        handling=given.handling,
        found_by=given.found_by,
        first_receiver=ctx.actor.account_id if given.source in PUBLIC_SOURCES else None,
    )


def clean_text(field: str, text: str) -> str:
    """The text without space around it; raises ``Invalid`` (``EVENT_TEXT_REQUIRED``) for none."""
    text = text.strip()
    if not text:
        raise Invalid("EVENT_TEXT_REQUIRED", field=field)
    return text
