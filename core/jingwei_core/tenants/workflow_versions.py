"""Versions of workflows (流程版本): a changed loop is a new version; running events keep theirs."""

from dataclasses import dataclass
from typing import Any

from jingwei_core.database.unit import Unit
from jingwei_core.events.tables import Workflow
from jingwei_core.session import CoreContext
from jingwei_core.tenants.package_model import TenantPackage


@dataclass(frozen=True, slots=True)
class WorkflowChange:
    """A workflow whose definition differs from the stored current version, or is new."""

    code: str
    number: int
    digest: str
    definition: dict[str, Any]


async def new_versions(unit: Unit, package: TenantPackage) -> list[WorkflowChange]:
    """The workflows of the package that need a new version."""
    rows = await unit.fetch("SELECT code, number, digest, is_current FROM core.workflow")
    current = {row["code"]: row for row in rows if row["is_current"]}
    highest: dict[str, int] = {}
    for row in rows:
        highest[row["code"]] = max(row["number"], highest.get(row["code"], 0))
    found = []
    for row in package.workflows:
        digest = row.digest
        if row.code not in current or current[row.code]["digest"] != digest:
            number = highest.get(row.code, 0) + 1
            found.append(WorkflowChange(row.code, number, digest, row.document()))
    return found


async def apply_workflows(ctx: CoreContext, changes: tuple[WorkflowChange, ...]) -> None:
    """Store the new versions and make them the current ones."""
    for change in changes:
        for row in await ctx.data.find(Workflow, code=change.code, is_current=True):
            await ctx.data.update(row, is_current=False)
        await ctx.data.insert(
            Workflow(
                code=change.code,
                number=change.number,
                digest=change.digest,
                definition=change.definition,
                is_current=True,
            )
        )
