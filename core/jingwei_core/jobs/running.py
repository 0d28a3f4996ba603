"""Running one job (执行任务): its tenant's context, one transaction, and what follows from the end.

The job's row leaves the queue in the job's own transaction, so what a job did in the database
happens once; only what it did outside can repeat.
"""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Context as QueueContext
from pgqueuer.domain.models import Job as QueuedJob

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.database import current_unit
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.origins import CORE, origin_in
from jingwei_core.jobs.outside import Outside, Settling
from jingwei_core.jobs.parking import Parked, Wanted, find_declared, park
from jingwei_core.jobs.pausing import point_of, put_off_if_paused
from jingwei_core.reminders.jobs import Looking
from jingwei_core.session import CoreContext, Request, system_context
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Denied, Invalid, JingweiError, NotFound, Refused
from jingwei_sdk.plugin import Job

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_log = structlog.get_logger(__name__)
_FINAL = (Invalid, Denied, NotFound, Refused)
"""Errors that the same call would meet again."""

_FRAMES = 12

_FINISH = """
WITH done AS (
    DELETE FROM jobs.pgqueuer WHERE id = $1 AND queue_manager_id = $2 AND status = 'picked'
    RETURNING id, entrypoint, priority
)
INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'successful', entrypoint, priority FROM done RETURNING job_id
"""

# A pick without a word after it was the last of a worker that died.
_PICKS = """
SELECT count(*) FROM jobs.pgqueuer_log
WHERE job_id = $1 AND status = 'picked' AND id > coalesce(
    (SELECT max(id) FROM jobs.pgqueuer_log WHERE job_id = $1 AND status <> 'picked'), 0)
"""

# Whoever switches the plugin off waits for the end of this transaction, or it sees the switch.
_STILL_ON = """
SELECT enabled FROM platform.plugin_state WHERE tenant_id = $1 AND plugin_id = $2 FOR SHARE
"""


class JobFailed(Exception):
    """A job ended for good. The text names types, codes and places in the code, no values: it is
    kept outside row security."""


class JobTookTooLong(Exception):
    """A run passed its ``timeout_s``; what it did is rolled back."""


class TakenOver(Exception):
    """Another worker has the job; what this one did is rolled back."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop trying: failed attempts by ``backoff``, and workers lost over one job."""

    backoff: Backoff = field(default_factory=Backoff)
    lost_workers: int = 3


class JobRunner(AbstractEntrypointExecutor):
    """pgqueuer's executor for every job: routes by tenant and name."""

    def __init__(self, platform: "Platform", limits: Limits) -> None:
        super().__init__(
            EntrypointExecutorParameters(concurrency_limit=0, func=_never_called, on_failure="hold")
        )
        self._platform = platform
        self._limits = limits

    async def execute(self, job: QueuedJob, context: QueueContext) -> None:
        """Run the job in one transaction, park it, or say what pgqueuer shall do with it.

        Raises ``RetryRequested`` or :class:`JobFailed`, both without values of the tenant.
        """
        try:
            found = await find_declared(self._platform, tenant_of(job), wanted(job))
            if isinstance(found, Parked):
                await park(self._platform.database, job, found)
                return
            await self._stop_if_deadly(job)
            if await put_off_if_paused(self._platform, job, *found):
                return
            await self._run(job, *found)
        except TakenOver:
            _log.warning("job_taken_over", job=job.entrypoint, number=job.id)
        except JobFailed:
            raise
        except Refused as error:
            if error.code != "PLUGIN_OFF":
                raise JobFailed(report(error)) from None
            reason = Parked("PLUGIN_OFF", str(error.params.get("plugin", "")))
            await park(self._platform.database, job, reason)
        except Exception as error:  # noqa: BLE001 - a plugin's code may raise anything
            raise self._outcome(job, error) from None

    async def _run(self, job: QueuedJob, tenant: Tenant, declared: Job) -> None:
        if isinstance(declared.run, Outside):
            settling = await self._worked(job, tenant, declared, declared.run)
            if settling is not None:
                await self._in_a_unit(job, tenant, replace(declared, run=settling), is_late=True)
            return
        await self._in_a_unit(job, tenant, declared)

    async def _worked(
        self, job: QueuedJob, tenant: Tenant, declared: Job, outside: Outside
    ) -> Settling | None:
        """Claim and work: what is left to write down; ``None`` when there was nothing to do."""
        async with self._context(job, tenant, declared) as ctx:
            claimed = await outside.claim(ctx, payload_of(job))
            if claimed is None:
                await _end(ctx, job, ctx.actor.name)
        if claimed is None:
            return None
        async with _limited(declared.timeout_s):
            made = await outside.work(claimed)
        return Settling(outside, claimed, made)

    async def _in_a_unit(
        self, job: QueuedJob, tenant: Tenant, declared: Job, *, is_late: bool = False
    ) -> None:
        """Run the job and end it, in one transaction."""
        async with self._context(job, tenant, declared, is_late=is_late) as ctx:
            await _counted(declared, ctx, payload_of(job))
            await self._stop_if_off(ctx, declared)
            await _end(ctx, job, ctx.actor.name)

    def _context(
        self, job: QueuedJob, tenant: Tenant, declared: Job, *, is_late: bool = False
    ) -> AbstractAsyncContextManager[CoreContext]:
        name, request = f"job:{declared.name}", Request(request_id=f"job-{job.id}")
        return system_context(self._platform, tenant, name, request, is_late=is_late)

    async def _stop_if_off(self, ctx: CoreContext, declared: Job) -> None:
        """Nothing of a plugin's job is kept that was switched off while the job ran."""
        plugin = self._platform.queue.origins.of(declared.name).plugin
        if plugin == CORE:
            return
        if await ctx.unit.fetchval(_STILL_ON, ctx.tenant.id, plugin) is False:
            raise Refused("PLUGIN_OFF", plugin=plugin, state="disabled", reason="")

    async def _stop_if_deadly(self, job: QueuedJob) -> None:
        async with self._platform.database.platform() as unit:
            picks = await unit.fetchval(_PICKS, job.id)
        if picks > self._limits.lost_workers:
            raise JobFailed(f"WORKERS_LOST {picks - 1}")

    def _outcome(self, job: QueuedJob, error: Exception) -> Exception:
        failed, why = job.attempts + 1, report(error)
        is_final = isinstance(error, _FINAL) or self._limits.backoff.is_spent(failed)
        _log.warning(
            "job_failed", job=job.entrypoint, number=job.id, failed=failed, final=is_final, why=why
        )
        if is_final:
            return JobFailed(why)
        return RetryRequested(timedelta(seconds=self._limits.backoff.delay_s(failed)), why)


async def _end(ctx: CoreContext, job: QueuedJob, name: str) -> None:
    """Write down what the job changed, and take it out of the queue."""
    assert isinstance(ctx.data, UnitData)
    if ctx.data.changes:
        await append_audit(ctx, name, None)
    if await current_unit().fetchval(_FINISH, job.id, job.queue_manager_id) is None:
        raise TakenOver


async def _counted(declared: Job, ctx: CoreContext, payload: Mapping[str, Any]) -> None:
    """Run the job; how a plugin's ends counts for its breaker."""
    point = point_of(ctx.platform, ctx.tenant.id, declared)
    if point is None:
        await _within(declared, ctx, payload)
        return
    work = partial(_within, declared, ctx, payload)
    await ctx.platform.hooks.guarded(point, work, own=(Refused,))


async def _within(declared: Job, ctx: CoreContext, payload: Mapping[str, Any]) -> None:
    """Run the job; raises :class:`JobTookTooLong` after its ``timeout_s``."""
    async with _limited(declared.timeout_s):
        await run_job(ctx, declared, payload)


@asynccontextmanager
async def _limited(limit_s: float) -> AsyncIterator[None]:
    """Raises :class:`JobTookTooLong` after so many seconds."""
    limit = asyncio.timeout(limit_s)
    try:
        async with limit:
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        # A plain TimeoutError would say that the connection was lost.
        raise JobTookTooLong from error


async def run_job(ctx: CoreContext, declared: Job, payload: Mapping[str, Any]) -> None:
    """Run the code of a job with the context that its package is given."""
    is_ours = isinstance(declared.run, Looking)
    owner = CORE if is_ours else ctx.platform.queue.origins.of(declared.name).plugin
    await declared.run(given_to(owner, ctx), payload)


def wanted(job: QueuedJob) -> Wanted:
    """What the job asks for: its name, and the version of the plugin that queued it."""
    return Wanted(job.entrypoint, origin_in(job.headers).version)


def tenant_of(job: QueuedJob) -> UUID:
    """The tenant that the job belongs to."""
    return UUID(str((job.headers or {})["tenant"]))


def payload_of(job: QueuedJob) -> Mapping[str, Any]:
    """What the job was given."""
    payload: Mapping[str, Any] = json.loads(job.payload or b"{}")
    return payload


def report(error: BaseException) -> str:
    """The error as type, code and the places it passed; its message may quote a person's data."""
    name = error.code if isinstance(error, JingweiError) else type(error).__qualname__
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return " < ".join([name, *reversed(places)])


async def _never_called(job: QueuedJob) -> None:
    """pgqueuer wants a function; :meth:`JobRunner.execute` is what runs."""
    raise JobFailed(f"UNROUTED {job.entrypoint}")
