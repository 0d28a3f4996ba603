"""How tasks and joint operations are read."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.events.computed_fields import work_names
from jingwei_core.tasks.authority import HANDLE, NEEDS, PERMISSIONS, held_certificates, unmet
from jingwei_core.tasks.states import TaskAction
from jingwei_core.tasks.tables import EventTask, JointOperation
from jingwei_sdk.context import Context
from jingwei_sdk.records import (
    AtPlace,
    Computed,
    Many,
    OfDepartment,
    One,
    Opposite,
    OwnedBy,
    Record,
)

Rows = Sequence[Mapping[str, Any]]


async def available_actions(ctx: Context, rows: Rows) -> list[list[str]]:
    """For each task what the actor may do with it now; the command is ``event.task.<action>``."""
    asks = any(row["certificate_kind"] for row in rows) and ctx.permissions.allows(HANDLE)
    held = await held_certificates(ctx) if asks else ()
    return [
        [
            action.value
            for action in TaskAction
            if ctx.permissions.allows(PERMISSIONS[action], row["place_path"])
            and unmet(ctx, action, row, held) is None
        ]
        for row in rows
    ]


async def is_overdue(ctx: Context, rows: Rows) -> list[bool]:
    """Whether a task that is still to be done has missed its limit (超期)."""
    now = ctx.now()
    return [
        not row["is_final"] and row["due_at"] is not None and row["due_at"] < now for row in rows
    ]


async def event_numbers(ctx: Context, rows: Rows) -> list[str | None]:
    """The number of each one's event, which whoever has to do with the task may name."""
    found = await ctx.data.fetch(
        "SELECT id, number FROM core.event WHERE id = ANY($1::uuid[])",
        list({row["event"] for row in rows}),
    )
    numbers = {row["id"]: row["number"] for row in found}
    return [numbers.get(row["event"]) for row in rows]


async def assignee_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of whoever has each task."""
    return await work_names(ctx, rows, "assignee")


async def lead_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of whoever leads each operation."""
    return await work_names(ctx, rows, "lead")


_NUMBER = Computed(
    str | None, ("event",), event_numbers, description="number of the event it is about"
)
JOINT_OPERATION = Record(
    JointOperation,
    read="event.read",
    scope=(AtPlace(), OwnedBy("lead", covered=True), OfDepartment("lead_department")),
    filters=("event", "lead", "lead_department", "state", "planned_at", "place_id"),
    sort=("planned_at", "created_at"),
    hidden=frozenset({"place_path"}),
    relations={"tasks": Many("EventTask", "operation")},
    computed={
        "event_number": _NUMBER,
        "lead_name": Computed(str | None, ("lead",), lead_names, description="work name"),
    },
)
EVENT_TASK = Record(
    EventTask,
    read="event.read",
    scope=(AtPlace(), OwnedBy("assignee", covered=True), OfDepartment("department")),
    filters=(
        *("event", "operation", "department", "assignee", "state", "is_final"),
        *("due_at", "warn_at", "place_id", "created_at"),
    ),
    sort=("due_at", "created_at"),
    hidden=frozenset({"place_path"}),
    relations={
        "handed_to": Opposite("EventTask", "handed_from"),
        "done_step": One("done_step", "EventStep"),
    },
    computed={
        "available_actions": Computed(
            list[str],
            NEEDS,
            available_actions,
            description="what you may do with it now",
        ),
        "is_overdue": Computed(
            bool, ("is_final", "due_at"), is_overdue, description="not ended, and past its limit"
        ),
        "event_number": _NUMBER,
        "assignee_name": Computed(
            str | None, ("assignee",), assignee_names, description="work name"
        ),
    },
)

RECORDS = (JOINT_OPERATION, EVENT_TASK)
