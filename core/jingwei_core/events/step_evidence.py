"""Evidence of a step (环节证据): which uploads an actor may attach, and that each is used once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from jingwei_core.events.tables import EventStep, StepEvidence
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

_LOCK = """
SELECT id, owner, status, content_type FROM core.evidence WHERE id = ANY($1::uuid[])
ORDER BY id FOR NO KEY UPDATE
"""
_USED = "SELECT evidence FROM core.step_evidence WHERE evidence = ANY($1::uuid[])"

MAX_ATTACHED = 20
"""Photos of one step; a reader looks through them one by one."""

EvidenceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Evidence"})]


class AttachedEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A committed upload of the actor, and when it was taken seen from the handling."""

    id: EvidenceId
    phase: PhotoPhase = PhotoPhase.OTHER


@dataclass(frozen=True, slots=True)
class Claimed:
    """Evidence that may be attached; its rows are locked until the transaction ends."""

    attached: tuple[AttachedEvidence, ...] = ()
    photos: frozenset[PhotoPhase] = frozenset()
    """The phases of which there is a picture."""
    pictures: tuple[PhotoPhase, ...] = ()
    """The phase of each picture."""


NO_EVIDENCE = Claimed()


async def claim_evidence(ctx: Context, attached: Sequence[AttachedEvidence]) -> Claimed:
    """The evidence, if the actor may attach it.

    Raises ``Invalid`` on ``evidence.<n>``: ``EVENT_EVIDENCE_UNKNOWN`` (absent, or somebody else's:
    both read the same), ``EVENT_EVIDENCE_PENDING`` (not committed), ``EVENT_EVIDENCE_TWICE``,
    ``EVENT_EVIDENCE_TOO_MANY``; ``Conflict`` ``EVENT_EVIDENCE_USED`` when a step has it already.
    """
    if len(attached) > MAX_ATTACHED:
        raise Invalid("EVENT_EVIDENCE_TOO_MANY", field="evidence", limit=MAX_ATTACHED)
    seen: set[uuid.UUID] = set()
    for at, item in enumerate(attached):
        if item.id in seen:
            raise Invalid("EVENT_EVIDENCE_TWICE", field=f"evidence.{at}.id")
        seen.add(item.id)
    if not seen:
        return NO_EVIDENCE
    # Locked in one order, so that two steps with the same photos cannot wait for each other.
    rows = {row["id"]: row for row in await ctx.data.fetch(_LOCK, list(seen))}
    # Looked for only now: whoever held a lock may have used the photo.
    used = {row["evidence"] for row in await ctx.data.fetch(_USED, list(seen))}
    pictures = []
    for at, item in enumerate(attached):
        row = rows.get(item.id)
        field = f"evidence.{at}.id"
        if row is None or row["owner"] != ctx.actor.account_id:
            raise Invalid("EVENT_EVIDENCE_UNKNOWN", field=field)
        if row["status"] != "committed":
            raise Invalid("EVENT_EVIDENCE_PENDING", field=field)
        if item.id in used:
            raise Conflict("EVENT_EVIDENCE_USED", field=field)
        if row["content_type"].startswith("image/"):
            pictures.append(item.phase)
    return Claimed(tuple(attached), frozenset(pictures), tuple(pictures))


async def attach(ctx: Context, step: EventStep, claimed: Claimed) -> None:
    """Bind claimed evidence to a step for good."""
    rows = [
        StepEvidence(step=step.id, event=step.event, evidence=item.id, phase=item.phase.value)
        for item in claimed.attached
    ]
    await ctx.data.insert_all(rows)
