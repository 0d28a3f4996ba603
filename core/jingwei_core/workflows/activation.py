"""Putting a workflow in force (启用流程), and moving running events to it by a declared mapping.

New events begin with the new version as soon as it is stored. Running events stay on the version
they began with, unless a mapping says which state of the new version each of their states is: then
they are moved in batches, each a transaction with its audit row and an entry in each timeline. If
that is broken off, what was moved stays moved; asking again goes on with the rest. Limits that
people were told stay as they are.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import cast

import msgspec

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import UnitData
from jingwei_core.commands.steps import Changing
from jingwei_core.events.configuration import Configuration
from jingwei_core.events.step_changes import paused_columns, resumed_columns
from jingwei_core.events.suspension import suspended_of
from jingwei_core.events.tables import Event, Workflow
from jingwei_core.events.timeline import Entry, entry_of, next_entry
from jingwei_core.events.workflow import MIGRATE, StateKind, WorkflowDefinition
from jingwei_core.events.workflow_walk import Spot, can_end
from jingwei_core.platform import Platform
from jingwei_core.session import CoreContext, system_context
from jingwei_core.workflows.tenant_check import require_fit
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Conflict, Invalid

BATCH = 200
"""Events that are moved in one transaction: their locks are held for a moment only."""

ACTIVATE = "workflow.activate"
_RUNNING = """
SELECT e.state, e.source, count(*) AS events,
       e.assigned_department IS NOT NULL OR e.assigned_account IS NOT NULL AS is_assigned
  FROM core.event e
  JOIN core.workflow w ON w.tenant_id = e.tenant_id AND w.id = e.workflow
 WHERE NOT e.is_final AND w.code = $1 AND w.id <> $2 GROUP BY 1, 2, 4 ORDER BY 1, 2, 4
"""
_NEXT = """
SELECT e.id, w.number FROM core.event e
  JOIN core.workflow w ON w.tenant_id = e.tenant_id AND w.id = e.workflow
 WHERE NOT e.is_final AND w.code = $1 AND w.id <> $2 AND ($3::uuid IS NULL OR e.id > $3)
 ORDER BY e.id LIMIT $4
"""
_NOBODY = uuid.UUID(int=0)

Progress = Callable[[int, int], None]
"""Told how many events were moved, and of how many."""


class Activated(msgspec.Struct, frozen=True):
    """What activating did: the version in force, whether it is new, and how many running events
    were moved; ``staying`` run on with the version they began with."""

    workflow: str
    number: int
    is_new: bool
    moved: int
    staying: int


async def activate(
    platform: Platform,
    slug: str,
    definition: WorkflowDefinition,
    mapping: Mapping[str, str] | None = None,
    progress: Progress = lambda moved, total: None,
) -> Activated:
    """Put the definition in force in a tenant.

    With a ``mapping`` of old states to new ones, running events are moved; a state that both
    versions have needs no entry. Raises ``WorkflowInvalid`` when the definition does not fit the
    tenant, ``Conflict`` ``WORKFLOW_UNCHANGED`` when it is in force already and nothing is to be
    moved, ``Invalid`` ``WORKFLOW_MAP`` (``state``): nothing was done then.
    """
    tenant = await platform.tenant(slug)
    async with system_context(platform, tenant, ACTIVATE) as ctx:
        await require_fit(ctx, definition)
        current = await _current(ctx, definition.code)
        is_new = current is None or current.digest != definition.digest
        if not is_new and mapping is None:
            raise Conflict("WORKFLOW_UNCHANGED", field="file", workflow=definition.code)
        running = await _running(ctx, definition.code, _id(current, is_new=is_new))
        if mapping is not None:
            _check_mapping(definition, mapping, running)
        stored = await _store(ctx, definition, current) if is_new else current
        assert stored is not None
        await append_audit(ctx, ACTIVATE, stored.id)
    total = sum(running.values())
    moved = 0
    if mapping is not None:
        moved = await _Moving(platform, tenant, stored, definition, mapping).run(total, progress)
    return Activated(definition.code, stored.number, is_new, moved, total - moved)


async def _current(ctx: CoreContext, code: str) -> Workflow | None:
    found = await ctx.data.find(Workflow, code=code, is_current=True)
    return found[0] if found else None


def _id(current: Workflow | None, *, is_new: bool) -> uuid.UUID:
    """The version whose events need no moving."""
    return _NOBODY if current is None or is_new else current.id


class _Group(msgspec.Struct, frozen=True):
    """Events of one source that stand alike."""

    spot: Spot
    source: str


async def _running(ctx: CoreContext, code: str, version: uuid.UUID) -> dict[_Group, int]:
    """How many events run on another version, by where they stand."""
    rows = await ctx.data.fetch(_RUNNING, code, version)
    return {
        _Group(Spot(row["state"], row["is_assigned"]), row["source"]): row["events"] for row in rows
    }


def _check_mapping(
    definition: WorkflowDefinition, mapping: Mapping[str, str], running: Iterable[_Group]
) -> None:
    """Every running event has a place in the new version from which it can be closed, and none is
    closed by the mapping."""
    working = {one.code for one in definition.states if one.kind is not StateKind.FINAL}
    for old, new in mapping.items():
        if new not in working:
            raise Invalid("WORKFLOW_MAP", field="map", state=old, to=new)
    for group in running:
        before = group.spot.state
        after = mapping.get(before, before)
        if after not in working:
            raise Invalid("WORKFLOW_MAP", field="map", state=before, to="?")
        spot = Spot(after, group.spot.is_assigned)
        if not can_end(definition, group.source, spot, is_new=bool(mapping)):
            raise Invalid("WORKFLOW_MAP", field="map", state=before, to=after)


async def _store(
    ctx: CoreContext, definition: WorkflowDefinition, current: Workflow | None
) -> Workflow:
    versions = await ctx.data.find(Workflow, code=definition.code)
    if current is not None:
        await ctx.data.update(current, is_current=False)
    return await ctx.data.insert(
        Workflow(
            code=definition.code,
            number=max((row.number for row in versions), default=0) + 1,
            digest=definition.digest,
            definition=definition.document(),
            is_current=True,
        )
    )


class _Moving:
    """Moves running events to a stored version."""

    def __init__(
        self,
        platform: Platform,
        tenant: Tenant,
        stored: Workflow,
        definition: WorkflowDefinition,
        mapping: Mapping[str, str],
    ) -> None:
        self._platform, self._tenant = platform, tenant
        self._stored, self._definition, self._mapping = stored, definition, mapping

    async def run(self, total: int, progress: Progress) -> int:
        """Move all of them; how many those were."""
        moved, after = 0, None
        while True:
            async with system_context(self._platform, self._tenant, ACTIVATE) as ctx:
                rows = await ctx.data.fetch(_NEXT, self._stored.code, self._stored.id, after, BATCH)
                configuration = await ctx.configuration.get()
                for row in rows:
                    event = await ctx.data.lock(Event, row["id"])
                    # It may have been closed since it was found.
                    if not event.is_final:
                        await self._move(ctx, configuration, event, row["number"])
                        moved += 1
                if rows:
                    await append_audit(ctx, ACTIVATE, self._stored.id)
            if not rows:
                return moved
            after = rows[-1]["id"]
            progress(moved, total)

    async def _move(
        self, ctx: CoreContext, configuration: Configuration, event: Event, number: int
    ) -> None:
        assert isinstance(ctx.data, UnitData)
        before: str = event.state
        after = self._mapping.get(before, before)
        changes: dict[str, object] = {"workflow": self._stored.id, "state": after}
        changes |= self._clock(ctx, configuration, event, after)
        note = f"v{number} → v{self._stored.number}"
        told = entry_of(ctx, event, Entry(MIGRATE, before, note=note))
        told.to_state = after
        told.due_at = cast(datetime | None, changes.get("state_due_at", event.state_due_at))
        await ctx.data.together(Changing(event, changes), next_entry(told))
        await ctx.signals.changed("Event", event.id, event.place_path)

    def _clock(
        self, ctx: CoreContext, configuration: Configuration, event: Event, after: str
    ) -> Mapping[str, object]:
        """The clock stands in a state that pauses and nowhere else, whatever it did before."""
        held = suspended_of(event.suspended)
        pauses, now = self._definition.state(after).pauses, ctx.now()
        if held is None:
            return paused_columns(event, after, now) if pauses else {}
        if pauses:
            resumes_in = self._mapping.get(held.state, held.state)
            return {"suspended": msgspec.structs.replace(held, state=resumes_in).stored()}
        profile = configuration.kind(event.kind).deadline_profile
        old = configuration.workflow(event.workflow)
        return resumed_columns(
            held, configuration.deadlines(profile, old, self._tenant.timezone), now
        )
