"""What the public is told of an event (对公众的进度), in the words of its workflow.

Nothing of those who handle it is told: no name, no note, no department, no deadline.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.events.workflow import StateKind, WorkflowDefinition
from jingwei_core.evidence.links import THUMBNAIL, VIEW, signed_link
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import NotFound
from jingwei_sdk.progress import PublicPhoto, PublicProgress, PublicStep

_WORDS = {
    StateKind.START: ("已收到", "Received"),
    StateKind.WORKING: ("办理中", "In hand"),
    StateKind.FINAL: ("已办结", "Finished"),
}
_SHOWN = """
WITH RECURSIVE merged AS (
    SELECT e.id, e.merged_into, 1 AS depth FROM core.event e WHERE e.id = $1
    UNION ALL
    SELECT e.id, e.merged_into, m.depth + 1 FROM core.event e JOIN merged m ON e.id = m.merged_into
     WHERE m.depth < 20)
SELECT m.id, (SELECT e.source FROM core.event e WHERE e.id = $1) AS source
  FROM merged m ORDER BY m.depth DESC LIMIT 1
"""
_EVENT = """
SELECT e.state, e.workflow, e.is_final, e.closed_at
  FROM core.event e WHERE e.id = $1
"""
_PLACE = """
SELECT p.name, e.created_at FROM core.event e JOIN core.place p ON p.id = e.place_id WHERE e.id = $1
"""
_STEPS = "SELECT to_state, at FROM core.event_step WHERE event = $1 ORDER BY sequence"
_PHOTOS = """
SELECT s.phase, v.id, v.status, v.store_key, v.content_type, v.derivative_key, v.thumbnail_key
  FROM core.step_evidence s JOIN core.evidence v ON v.id = s.evidence
 WHERE s.phase = ANY($3::text[]) AND (s.event = $1 OR s.event = $2 AND s.phase = 'after')
 ORDER BY s.created_at, s.id LIMIT 40
"""


async def progress_of_source(
    ctx: CoreContext, event: uuid.UUID, sources: Sequence[str]
) -> PublicProgress:
    """How an event that came from one of these sources stands.

    Raises ``NotFound`` (``ROW_NOT_FOUND``) for any other one.
    """
    rows = await ctx.data.fetch(_SHOWN, event)
    is_told = bool(rows) and rows[0]["source"] in sources
    told = await progress_of(ctx, event, rows[0]["id"]) if is_told else None
    if told is None:
        raise NotFound("ROW_NOT_FOUND", record="Event", id=str(event))
    return told


async def shown_of(ctx: CoreContext, event: uuid.UUID) -> uuid.UUID | None:
    """The event whose progress is shown for this one: another one where it was merged into that,
    ``None`` where there is no such event."""
    rows = await ctx.data.fetch(_SHOWN, event)
    return rows[0]["id"] if rows else None


async def progress_of(
    ctx: CoreContext, reported: uuid.UUID, shown: uuid.UUID
) -> PublicProgress | None:
    """How an event stands; ``shown`` is another one where it was merged into that. An event that is
    not there takes the same statements, and answers ``None``."""
    events = await ctx.data.fetch(_EVENT, shown)
    places = await ctx.data.fetch(_PLACE, reported)
    steps = await ctx.data.fetch(_STEPS, shown)
    definition = await _definition(ctx, events)
    phases = _phases(definition, events)
    # Of an event that it was merged into, what it looked like before is somebody else's photo.
    pictures = await ctx.data.fetch(_PHOTOS, reported, shown, phases)
    photos = await _photos(ctx, pictures)
    if definition is None:
        return None
    event, is_english = events[0], ctx.locale == "en"
    return PublicProgress(
        state=public_name(definition, event["state"], is_english=is_english),
        is_finished=event["is_final"],
        is_merged=reported != shown,
        place=places[0]["name"],
        reported_at=places[0]["created_at"],
        closed_at=event["closed_at"] if event["is_final"] else None,
        steps=_steps(definition, steps, is_english=is_english),
        photos=photos,
    )


def public_name(definition: WorkflowDefinition, code: str, *, is_english: bool) -> str:
    """What the public is told of a state."""
    state = definition.state(code)
    if state.public is not None:
        return state.public.name_en if is_english else state.public.name_zh
    return _WORDS[state.kind][is_english]


async def _definition(
    ctx: CoreContext, events: Sequence[Mapping[str, Any]]
) -> WorkflowDefinition | None:
    configuration = await ctx.configuration.get()
    return configuration.workflow(events[0]["workflow"]).read if events else None


def _phases(
    definition: WorkflowDefinition | None, events: Sequence[Mapping[str, Any]]
) -> list[str]:
    """The phases of the photos that the state lets the public see; none unless it says so."""
    if definition is None:
        return []
    face = definition.state(events[0]["state"]).public
    return [] if face is None else [phase.value for phase in face.photos]


def _steps(
    definition: WorkflowDefinition, rows: Sequence[Mapping[str, Any]], *, is_english: bool
) -> list[PublicStep]:
    """The way so far; steps that read the same for the public are one."""
    steps: list[PublicStep] = []
    known = {state.code for state in definition.states}
    for row in rows:
        # States of an earlier version of the workflow may be gone from this one.
        if row["to_state"] not in known:
            continue
        name = public_name(definition, row["to_state"], is_english=is_english)
        if not steps or steps[-1].name != name:
            steps.append(PublicStep(name, row["at"]))
    return steps


async def _photos(ctx: CoreContext, rows: Sequence[Mapping[str, Any]]) -> list[PublicPhoto]:
    store, expires_s = ctx.platform.store, ctx.platform.evidence_settings.link_s
    found = []
    for row in rows:
        view = await signed_link(store, row, VIEW, expires_s)
        small = await signed_link(store, row, THUMBNAIL, expires_s)
        if view and small:
            found.append(PublicPhoto(row["phase"], view, small))
    return found
