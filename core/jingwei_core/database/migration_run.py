"""Applying a plan (执行迁移): the platform and the core first, then each plugin by itself.

A plugin's migrations are a savepoint. What it may not do is refused before or found after: end the
transaction, tie tables of others to its own. All plugins and the finaliser are a savepoint as well:
where the finaliser fails, the plugin that it fails for is found by trying each alone, and the
others begin anew without it.
"""

import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import asyncpg
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.identifiers import quoted
from jingwei_core.database.migration_faults import (
    refuse_ended,
    refuse_ending,
    refuse_ties,
)
from jingwei_core.database.migration_files import MigrationFile
from jingwei_core.database.migration_plan import Applied, MigrationFault, Plan, PlannedApp
from jingwei_core.database.security import secure
from jingwei_core.database.security_rules import rules_for
from jingwei_core.database.unit import Unit
from jingwei_core.settings import Settings
from jingwei_sdk.errors import JingweiError


class _Undo(Exception):
    """Ends a trial: nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class MigrationRun:
    """One run, inside its transaction: what had run before, and the transaction's number."""

    unit: Unit
    settings: Settings
    applied: Applied
    transaction: str

    async def all_of(self, plan: Plan) -> tuple[Plan, list[str]]:
        """Apply what is pending, then the finaliser; the plan as far as it could be kept to, and
        the finaliser's statements.

        Raises ``MigrationRefused`` when the platform's or the core's part fails, and
        ``MIGRATION_ENDED_TRANSACTION`` when a plugin's code broke out of the run.
        """
        for each in plan.apps:
            if not each.app.plugin:
                await self._apply(each)
        while True:
            try:
                async with self.unit.savepoint():
                    reached = await self._plugins(plan)
                    return reached, await self._secure(reached.apps)
            except Exception as error:
                culprit = None if met_another(error) else await self._culprit(plan)
                if culprit is None:
                    raise
                plan = plan.without(culprit)

    async def _plugins(self, plan: Plan) -> Plan:
        """Apply each plugin; the plan without those that failed."""
        for each in plan.apps:
            if each.app.plugin and each in plan.apps:
                fault = await self._attempt(each)
                plan = plan if fault is None else plan.without(fault)
        return plan

    async def _attempt(self, each: PlannedApp) -> MigrationFault | None:
        try:
            async with self.unit.savepoint():
                await self._apply(each)
        except Exception as error:
            await refuse_ended(self.unit, self.transaction, each.app)
            if met_another(error) or not isinstance(error, JingweiError):
                raise
            return MigrationFault(each.app.plugin, each.app.name, error)
        return None

    async def _culprit(self, plan: Plan) -> MigrationFault | None:
        """The first plugin for which the finaliser fails beside nothing but what it requires."""
        known = {each.app.name: each for each in plan.apps}
        for each in plan.apps:
            if not each.app.plugin:
                continue
            needed = _closure(each.app.name, known)
            beside = [k for k in plan.apps if not k.app.plugin or k.app.name in needed]
            try:
                async with self.unit.savepoint():
                    await self._plugins(Plan(tuple(beside)))
                    await self._secure(beside)
                    raise _Undo
            except _Undo:
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this plugin's
                await refuse_ended(self.unit, self.transaction, each.app)
                cause = str(error) or repr(error)
                told = MigrationRefused("MIGRATION_RULES_FAILED", app=each.app.name, cause=cause)
                return MigrationFault(each.app.plugin, each.app.name, told)
        return None

    async def _apply(self, each: PlannedApp) -> None:
        files = each.pending(self.applied)
        if files and each.app.plugin:
            await self._as_owner()
        for file in files:
            if each.app.plugin:
                refuse_ending(file)
            await _apply(self.unit, file, self.settings.app_role)
        if files and each.app.plugin:
            await refuse_ended(self.unit, self.transaction, each.app)
            await refuse_ties(self.unit, each.app)

    async def _as_owner(self) -> None:
        """What the run began with; the plugin before may have set something else."""
        owner = quoted(self.settings.owner_role)
        await self.unit.execute(
            f"SET LOCAL ROLE {owner}; SET LOCAL app.maintenance = 'on';"
            " SET LOCAL search_path TO DEFAULT; SET LOCAL row_security TO DEFAULT"
        )

    async def _secure(self, apps: Iterable[PlannedApp]) -> list[str]:
        found = [each.app for each in apps]
        tables = [table for app in found for table in app.tables]
        records = [record for app in found for record in app.records]
        rules = rules_for(self.settings, tables, [app.name for app in found], records)
        await self._as_owner()
        return await secure(self.unit, rules)


def met_another(error: BaseException) -> bool:
    """Whether a run failed only because another one, in another database, met it."""
    if isinstance(error, asyncpg.UniqueViolationError | asyncpg.DuplicateObjectError):
        return "pg_authid" in str(error) or "already exists" in str(error)
    return isinstance(error, asyncpg.InternalServerError) and "concurrently" in str(error)


def _closure(name: str, known: dict[str, PlannedApp]) -> set[str]:
    found, waiting = set[str](), [name]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += [required for required in known[each].app.requires if required in known]
    return found


async def _apply(unit: Unit, file: MigrationFile, app_role: str) -> None:
    try:
        if file.path.suffix == ".sql":
            sql = file.path.read_text(encoding="utf-8")
            await unit.execute(sql.replace("{app}", quoted(app_role)))
        else:
            await _run_piccolo(file)
        await unit.execute(
            "INSERT INTO platform.migration (app, id, checksum) VALUES ($1, $2, $3)",
            file.app,
            file.id,
            file.checksum,
        )
    except JingweiError:
        raise
    except Exception as error:
        raise MigrationRefused(
            "MIGRATION_FAILED", app=file.app, file=file.path.name, cause=str(error) or repr(error)
        ) from error


async def _run_piccolo(file: MigrationFile) -> None:
    module: Any = file.load()
    manager = await module.forwards()
    if isinstance(manager, MigrationManager):
        if manager.app_name != file.app:
            raise MigrationRefused(
                "MIGRATION_OF_ANOTHER_APP",
                app=file.app,
                file=file.path.name,
                other=manager.app_name,
            )
        with redirect_stdout(io.StringIO()):
            await manager.run()
