"""Fields of an event that are worked out for its reader."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.events.authority import Desk, may_take
from jingwei_core.events.guarding import Case, GuardBook
from jingwei_core.events.stored_json import stored_json
from jingwei_core.events.workflow import MERGE, Action, WorkflowDefinition
from jingwei_core.events.workflow_guards import EvidenceGuard, FieldsGuard, Of
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.places.geometry import CANONICAL_CRS, E7
from jingwei_sdk.context import Context

Rows = Sequence[Mapping[str, Any]]


async def definitions_of(ctx: Context, workflow_ids: set[Any]) -> dict[Any, WorkflowDefinition]:
    """The workflows with these ids, read in one statement."""
    rows = await ctx.data.fetch(
        "SELECT id, definition FROM core.workflow WHERE id = ANY($1::uuid[])", list(workflow_ids)
    )
    return {row["id"]: read_workflow(stored_json(row["definition"])) for row in rows}


async def available_actions(ctx: Context, rows: Rows) -> list[list[str]]:
    """For each event the codes of the actions that the actor may take now, in workflow order."""
    return [[action.code for action in actions] for actions in await _available(ctx, rows)]


async def requirements(ctx: Context, rows: Rows) -> list[list[str]]:
    """For each event what its available actions ask the actor to bring, as ``action:need``."""
    return [
        [f"{action.code}:{need}" for action in actions for need in needs_of(action)]
        for actions in await _available(ctx, rows)
    ]


def needs_of(action: Action) -> list[str]:
    """What an action asks the step to bring: its requirements, ``photo:<phase>:<at least>`` for
    photos of this step, ``photo:<phase>:<at least>:event`` for all of the event's together, and
    ``form:<field>``."""
    needs: list[str] = [need.value for need in action.requires]
    for guard in action.guards:
        if isinstance(guard, EvidenceGuard):
            suffix = ":event" if guard.of is Of.EVENT else ""
            needs.append(f"photo:{guard.phase.value}:{guard.at_least}{suffix}")
        elif isinstance(guard, FieldsGuard):
            needs += [f"form:{name}" for name in guard.fields]
    return needs


async def _available(ctx: Context, rows: Rows) -> list[list[Action]]:
    """For each event the actions that nothing but what they bring stands in the way of."""
    definitions = await definitions_of(ctx, {row["workflow"] for row in rows})
    book = GuardBook(ctx, [row["id"] for row in rows])
    found: list[list[Action]] = []
    for row in rows:
        actions, definition = [], definitions[row["workflow"]]
        for action in definition.actions_from(row["state"]):
            if action.code == MERGE or not may_take(ctx, action, desk_of(row)):
                continue
            if row["open_tasks"] and definition.finishes(action, row["state"]):
                continue
            is_guarded = bool(action.guards or action.sources)
            if not is_guarded or await book.unmet(action, Case.of(row)) is None:
                actions.append(action)
        found.append(actions)
    return found


def desk_of(row: Mapping[str, Any]) -> Desk:
    """Where an event's row lies and who it is assigned to."""
    return Desk(row["place_path"], row["assigned_department"], row["assigned_account"])


async def is_overdue(ctx: Context, rows: Rows) -> list[bool]:
    """Whether an open event has missed the limit of its state or of its whole loop (超期)."""
    now = ctx.now()
    return [
        not row["is_final"]
        and any(due is not None and due < now for due in (row["state_due_at"], row["due_at"]))
        for row in rows
    ]


async def is_amber(ctx: Context, rows: Rows) -> list[bool]:
    """Whether an open event was to be warned of, and the limit of its state has not passed."""
    now = ctx.now()
    return [
        not row["is_final"]
        and row["warn_at"] is not None
        and row["warn_at"] <= now
        and (row["state_due_at"] is None or now <= row["state_due_at"])
        for row in rows
    ]


async def state_names(ctx: Context, rows: Rows) -> list[str]:
    """The name of each event's state in the reader's language (环节名称)."""
    definitions = await definitions_of(ctx, {row["workflow"] for row in rows})
    states = [definitions[row["workflow"]].state(row["state"]) for row in rows]
    return [state.name_en if ctx.locale == "en" else state.name_zh for state in states]


async def reporter_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of who reported each event (上报人)."""
    return await work_names(ctx, rows, "reporter")


async def assignee_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of the person each event is assigned to (承办人)."""
    return await work_names(ctx, rows, "assigned_account")


async def acted_for_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of the person on leave for whom a step was taken (代为办理)."""
    return await work_names(ctx, rows, "acted_for")


async def assigned_to_me(ctx: Context, rows: Rows) -> list[bool]:
    """Whether each event is assigned to its reader in person."""
    me = ctx.actor.account_id
    return [me is not None and row["assigned_account"] == me for row in rows]


async def work_names(ctx: Context, rows: Rows, column: str) -> list[str | None]:
    """Names as the timeline shows them: whoever sees the event sees who works on it, also without
    the permission to read accounts."""
    wanted = list({row[column] for row in rows if row[column] is not None})
    found = await ctx.data.fetch(
        "SELECT id, name FROM core.account WHERE id = ANY($1::uuid[])", wanted
    )
    names = {row["id"]: row["name"] for row in found}
    return [names.get(row[column]) for row in rows]


async def longitudes(ctx: Context, rows: Rows) -> list[float | None]:
    """Longitudes in degrees."""
    return [_degrees(row["lon_e7"]) for row in rows]


async def latitudes(ctx: Context, rows: Rows) -> list[float | None]:
    """Latitudes in degrees."""
    return [_degrees(row["lat_e7"]) for row in rows]


async def coordinate_systems(ctx: Context, rows: Rows) -> list[str | None]:
    """The label that every position goes out with."""
    return [None if row["lon_e7"] is None else CANONICAL_CRS for row in rows]


def _degrees(value: int | None) -> float | None:
    return None if value is None else value / E7
