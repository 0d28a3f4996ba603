"""What putting a plugin would change (变更预览): told before a switch or an upgrade does it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from jingwei_core.access.tables import Role
from jingwei_core.events.tables import DeadlineRule, EventKind, Workflow
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.plugins.contributing.putting import limit_values, role_values
from jingwei_core.plugins.contributing.shipped_files import shipped_files
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.kinds import kind_changes
from jingwei_core.session import CoreContext
from jingwei_core.workflows.differences import differences
from jingwei_sdk.plugin import EventKindDeclaration

Effect = Literal["new", "changed", "beside"]


@dataclass(frozen=True, slots=True)
class Upcoming:
    """One workflow, deadline, role or kind of events that would change.

    ``effect`` is ``new``, ``changed``, or ``beside`` where the tenant's own stays in force.
    ``lines`` say what differs, ``+`` before what comes and ``-`` before what goes.
    """

    what: Literal["workflow", "deadline", "role", "kind"]
    name: str
    effect: Effect
    lines: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """The change as plain values."""
        lines = list(self.lines)
        return {"what": self.what, "name": self.name, "effect": self.effect, "lines": lines}


async def upcoming(ctx: CoreContext, found: Installed) -> tuple[Upcoming, ...]:
    """What :func:`put` would change in the context's tenant; nothing is written.

    Raises ``Invalid`` (``PLUGIN_FILE``).
    """
    changes: list[Upcoming | None] = []
    if found.plugin is not None:
        shipped = shipped_files(found.plugin)
        changes += [await _workflow(ctx, found.id, each) for each in shipped.workflows]
        for rule in shipped.deadlines:
            key = {"profile": rule.profile, "state": rule.state}
            rows = await ctx.data.find(DeadlineRule, **key)
            told = Upcoming("deadline", " ".join(key.values()), "new")
            changes.append(_row(found.id, rows, limit_values(rule), told))
        for declared in found.plugin.event_kinds:
            changes.append(await _kind(ctx, found.id, declared))
    if found.manifest is not None:
        for role in found.manifest.roles:
            roles = await ctx.data.find(Role, code=role.code)
            told = Upcoming("role", role.code, "new")
            changes.append(_row(found.id, roles, role_values(role), told))
    return tuple(each for each in changes if each is not None)


async def _workflow(
    ctx: CoreContext, plugin_id: str, definition: WorkflowDefinition
) -> Upcoming | None:
    versions = await ctx.data.find(Workflow, code=definition.code)
    current = next((row for row in versions if row.is_current), None)
    if current is None:
        return Upcoming("workflow", definition.code, "new")
    if current.digest == definition.digest:
        return None
    leads = current.owner_plugin == plugin_id
    if not leads and any(row.digest == definition.digest for row in versions):
        return None
    told = differences(read_workflow(_document(current.definition)), definition)
    lines = tuple(line for one in told for line in one.lines())
    return Upcoming("workflow", definition.code, "changed" if leads else "beside", lines)


async def _kind(
    ctx: CoreContext, plugin_id: str, declared: EventKindDeclaration
) -> Upcoming | None:
    rows = await ctx.data.find(EventKind, code=declared.code)
    if not rows:
        return Upcoming("kind", declared.code, "new")
    changed = kind_changes(rows[0], declared)
    if rows[0].owner_plugin != plugin_id or not changed:
        return None
    return Upcoming("kind", declared.code, "changed", tuple(_kind_lines(rows[0], changed)))


def _kind_lines(row: EventKind, changed: Mapping[str, object]) -> Iterator[str]:
    for name, value in changed.items():
        if name == "form_schema":
            yield "+ form_schema"
        else:
            yield from (f"- {name}: {_told(getattr(row, name))}", f"+ {name}: {_told(value)}")


def _document(stored: object) -> Mapping[str, object]:
    document: Mapping[str, object] = (
        msgspec.json.decode(stored) if isinstance(stored, str) else msgspec.convert(stored, dict)
    )
    return document


def _row(
    plugin_id: str,
    rows: Sequence[DeadlineRule | Role],
    values: Mapping[str, object],
    told: Upcoming,
) -> Upcoming | None:
    if not rows:
        return told
    row = rows[0]
    lines: list[str] = []
    for name, value in values.items():
        before = getattr(row, name)
        if before != value:
            lines += [f"- {name}: {_told(before)}", f"+ {name}: {_told(value)}"]
    if not lines:
        return None
    effect: Effect = "changed" if row.owner_plugin == plugin_id else "beside"
    return Upcoming(told.what, told.name, effect, tuple(lines))


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
