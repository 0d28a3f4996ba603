"""Opening tasks (立子任务) of a locked event, and counting those that it waits for."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import msgspec

from jingwei_core.commands.shapes import shape_of
from jingwei_core.events.deadlines import Limit, TimeLimit, limit_of
from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.session import CoreContext
from jingwei_core.tasks.states import TaskState
from jingwei_core.tasks.tables import EventTask
from jingwei_core.tasks.telling import tell_of_opened
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

MOST_WAITING = 50
"""Tasks that one event waits for at most; a rulebook's largest operation has a dozen units."""

OPENED = "task.opened"
"""The action of the timeline's entry about a new task."""


class Opening(msgspec.Struct, frozen=True):
    """A task to open, for a department, a person, or a person of a department."""

    title: str
    title_en: str = ""
    department: uuid.UUID | None = None
    assignee: uuid.UUID | None = None
    limit: TimeLimit | None = None
    certificate_kind: str = ""
    asks_evidence: bool = False
    operation: uuid.UUID | None = None
    handed_from: uuid.UUID | None = None


async def open_tasks(
    ctx: Context, event: Event, openings: Sequence[Opening]
) -> tuple[list[EventTask], Event]:
    """The new tasks in the order given, each with its entry, and the event that waits for them.

    Raises ``Conflict``: ``TASK_EVENT_ENDED``, ``TASK_TOO_MANY``, ``CALENDAR_MISSING``; ``Invalid``:
    ``TASK_DEPARTMENT_UNKNOWN``, ``TASK_CERTIFICATE_UNKNOWN``.
    """
    if event.is_final:
        raise Conflict("TASK_EVENT_ENDED", number=event.number)
    if event.open_tasks + len(openings) > MOST_WAITING:
        raise Conflict("TASK_TOO_MANY", most=MOST_WAITING)
    await _check_departments(ctx, openings)
    for kind in {one.certificate_kind for one in openings if one.certificate_kind}:
        await check_certificate_kind(ctx, kind)
    stored = await store_tasks(ctx, event, openings)
    return stored, await count_waiting(ctx, event, len(stored))


async def store_tasks(ctx: Context, event: Event, openings: Sequence[Opening]) -> list[EventTask]:
    """The same without any check, and without counting them."""
    rows = [await _row(ctx, event, one) for one in openings]
    stored = await ctx.data.insert_all(rows)
    for task in stored:
        entry = Entry(
            OPENED,
            event.state,
            note=task.title,
            department=task.department,
            assignee=task.assignee,
        )
        await append_entry(ctx, event, entry, NO_EVIDENCE)
        await ctx.signals.changed("EventTask", task.id, task.place_path)
        await tell_of_opened(ctx, event, task)
    return stored


async def count_waiting(ctx: Context, event: Event, more: int) -> Event:
    """The locked event, which waits for ``more`` tasks besides, or for fewer."""
    changed = await ctx.data.update(event, open_tasks=event.open_tasks + more)
    await ctx.signals.changed("Event", event.id, event.place_path)
    return changed


async def check_certificate_kind(ctx: Context, kind: str) -> None:
    """Raise ``Invalid`` (``TASK_CERTIFICATE_UNKNOWN``) for a kind that the tenant does not know."""
    assert isinstance(ctx, CoreContext)
    if kind not in await ctx.platform.event_ports.certificates.kinds(ctx):
        raise Invalid("TASK_CERTIFICATE_UNKNOWN", field="certificateKind", kind=kind)


async def limit_from(ctx: Context, limit: TimeLimit, start: datetime) -> Limit:
    """When a limit that begins at ``start`` ends, by the tenant's work clock."""
    assert isinstance(ctx, CoreContext)
    clock = (await ctx.configuration.get()).work_clock(ctx.tenant.timezone)
    return limit_of(clock, limit.rule(), start)


async def _check_departments(ctx: Context, openings: Sequence[Opening]) -> None:
    wanted = {one.department for one in openings if one.department is not None}
    rows = await ctx.data.fetch(
        "SELECT id FROM core.department WHERE id = ANY($1::uuid[])", list(wanted)
    )
    if len(rows) < len(wanted):
        raise Invalid("TASK_DEPARTMENT_UNKNOWN", field="department")


async def _row(ctx: Context, event: Event, one: Opening) -> EventTask:
    now = ctx.now()
    limit = await limit_from(ctx, one.limit, now) if one.limit is not None else None
    row: EventTask = shape_of(EventTask).new(
        place_id=event.place_id,
        place_path=event.place_path,
        event=event.id,
        operation=one.operation,
        department=one.department,
        assignee=one.assignee,
        opened_by=ctx.actor.account_id,
        title=one.title,
        title_en=one.title_en,
        certificate_kind=one.certificate_kind,
        asks_evidence=one.asks_evidence,
        state=TaskState.OPEN.value,
        time_limit=None if one.limit is None else msgspec.to_builtins(one.limit),
        begun_at=now,
        due_at=limit.due_at if limit else None,
        warn_at=limit.warn_at if limit else None,
        handed_from=one.handed_from,
    )
    return row
