"""Staged commands (分步命令): work between two transactions, while no connection is held."""

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.commands.bus import Call, run
from jingwei_core.commands.plugin_context import PluginStage, given_by_claim
from jingwei_core.session import Identity, Opening, Request, account_context
from jingwei_sdk.commands import Command
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import JingweiError

if TYPE_CHECKING:
    from jingwei_core.evidence.workers import ImageWorkers
    from jingwei_core.platform import Platform


@dataclass(frozen=True, slots=True)
class CoreStage:
    """A stage with what only the core may reach; see :class:`jingwei_sdk.commands.Stage`.

    ``mind`` is told by what access the command begins, and may refuse it.
    """

    platform: "Platform"
    tenant: Tenant
    workers: "ImageWorkers"
    mind: Mind = of_no_concern

    def now(self) -> datetime:
        """The platform's time."""
        return self.platform.clock.now()


async def run_staged(
    stage: CoreStage, command: Command, identity: Identity, row_id: uuid.UUID, request: Request
) -> uuid.UUID:
    """Do a staged command about a row and answer the row's id; once it is done, again does nothing.

    Raises what its parts raise; whatever is raised, its handler has written nothing.
    """
    staged, platform, claim = command.staged, stage.platform, f"command:{command.name}"
    assert staged is not None
    opening = Opening(mind=stage.mind)
    async with account_context(platform, stage.tenant, identity, request, opening) as ctx:
        ctx.require(command.permission)
        told = given_by_claim(claim, ctx)
        plan = await staged.before(told, row_id)
    if plan is None:
        return row_id
    shown = stage if told is ctx else PluginStage(stage.tenant, platform.clock)
    given = await staged.work(shown, plan)
    async with account_context(platform, stage.tenant, identity, request) as ctx:
        await run(ctx, Call(command, given, target_id=row_id))
    if staged.after is not None:
        with suppress(JingweiError):
            await staged.after(shown, plan)
    return row_id
