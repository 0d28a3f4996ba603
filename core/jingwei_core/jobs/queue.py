"""Enqueuing (入队): in the transaction that caused the job, fair between tenants.

Start-time fair queuing: a job's tag is one more than the larger of virtual time and the last tag of
its tenant's lane, and pgqueuer, which takes the highest priority first, gets ``-tag``. Tags of one
lane grow, so a tenant that arrives late stands right behind the job being served and not behind
another's backlog; and every lane's next job has a tag that the others must pass.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from jingwei_core.database import Unit
from jingwei_core.database.expressions import Expression
from jingwei_core.jobs.names import WAITING
from jingwei_core.jobs.origins import Origin, Origins, headers_of
from jingwei_sdk.errors import Conflict, Invalid, Refused

PAYLOAD_LIMIT = 4096
"""Bytes of a payload as JSON. A payload holds ids; what they stand for is read by the job."""

_HIGHEST_TAG = 2**31 - 1

# Counted no further than the limit, so that a long queue does not make the next call slow.
_WAITING = """
SELECT count(*) FROM (
    SELECT FROM jobs.pgqueuer WHERE status = 'queued' AND headers ->> 'plugin' <> 'core'
        AND tenant_id = $1 AND entrypoint = ANY($2) LIMIT $3
) waiting
"""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to enqueue. ``dedupe_key`` drops it while one with the same key waits or runs.

    The payload is outside row security: ids and codes only, never a name, a number of a person, a
    text somebody wrote.
    """

    name: str
    payload: msgspec.Struct | Mapping[str, Any] = field(default_factory=dict)
    delay_s: float = 0
    dedupe_key: str | None = None


def adding(tenant_id: UUID, job: NewJob, origin: Origin) -> Expression:
    """The call of the database's function that queues a job without a ``dedupe_key``, for the last
    message of a unit. Raises ``Invalid`` as :meth:`JobQueue.add` does."""
    delay = timedelta(seconds=job.delay_s)
    values = (tenant_id, job.name, _encoded(job), delay, origin.plugin, origin.version)
    return Expression("jobs.add({uuid}, {text}, {bytea}, {interval}, {text}, {text})", values)


class JobQueue:
    """The queue as services see it; holds no connection. ``origins`` says whose each job is."""

    def __init__(self, origins: Origins | None = None) -> None:
        self.origins = origins or Origins()

    async def check_quota(
        self, unit: Unit, tenant_id: UUID, job: str, new: Mapping[str, int]
    ) -> None:
        """Raise ``Conflict`` when more jobs would wait than may: ``JOB_QUOTA`` of this name,
        ``PLUGIN_JOB_QUOTA`` of all that its plugin has waiting for the tenant. ``new`` are the
        jobs of the transaction that the database does not have yet, this one among them, by name.

        Transactions do not see one another's jobs: together they may pass a limit a little.
        """
        origin = self.origins.of(job)
        limit = origin.most_waiting
        if limit is not None and await _is_over(unit, tenant_id, [job], new, limit):
            raise Conflict("JOB_QUOTA", job=job, limit=limit)
        names, together = self.origins.names(origin.plugin), origin.most_together
        # What its names may have waiting one by one is often less than what they may together.
        if together is None or self._most(names) <= together:
            return
        if await _is_over(unit, tenant_id, names, new, together):
            raise Conflict("PLUGIN_JOB_QUOTA", job=job, plugin=origin.plugin, limit=together)

    async def enqueue(
        self,
        unit: Unit,
        tenant_id: UUID,
        job: str,
        payload: msgspec.Struct | Mapping[str, Any],
        *,
        delay_s: float = 0,
        dedupe_key: str | None = None,
    ) -> int | None:
        """Queue one job; its number, or ``None`` if ``dedupe_key`` is taken. See :meth:`add`."""
        new = NewJob(job, payload, delay_s, dedupe_key)
        return (await self.add(unit, tenant_id, [new]))[0]

    async def add(self, unit: Unit, tenant_id: UUID, new: Sequence[NewJob]) -> list[int | None]:
        """Queue jobs of one tenant in the unit's transaction: they exist if and only if it commits.

        Raises ``Invalid`` (``JOB_PAYLOAD_TOO_LARGE``, ``JOB_PAYLOAD_UNFIT``), ``Refused``
        (``JOB_OF_ANOTHER_TENANT``) when the unit is bound to another tenant, and what
        :meth:`check_quota` raises.
        """
        if unit.tenant not in (None, tenant_id):
            raise Refused("JOB_OF_ANOTHER_TENANT", tenant=tenant_id, bound=unit.tenant)
        if not new:
            return []
        payloads: list[bytes | None] = [_encoded(job) for job in new]
        delays: list[timedelta | None] = [timedelta(seconds=job.delay_s) for job in new]
        counted = Counter(job.name for job in new)
        for name in counted:
            await self.check_quota(unit, tenant_id, name, counted)
        headers: list[dict[str, str] | None] = [
            headers_of(tenant_id, self.origins.of(job.name)) for job in new
        ]
        last = await unit.fetchval("SELECT jobs.last_tag($1)", tenant_id)
        # Brings the whole of pgqueuer.
        from jingwei_core.jobs.unit_queries import queries_in

        found = await queries_in(unit).enqueue(
            [job.name for job in new],
            payloads,
            _priorities(new, last),
            delays,
            [_key(tenant_id, job) for job in new],
            headers,
            on_conflict="skip",
        )
        return [None if number is None else int(number) for number in found]

    def _most(self, names: Sequence[str]) -> float:
        """How many jobs of these names may wait, were each only limited by itself."""
        limits = [self.origins.of(name).most_waiting for name in names]
        return sum(math.inf if limit is None else limit for limit in limits)


async def _is_over(
    unit: Unit, tenant_id: UUID, names: Sequence[str], new: Mapping[str, int], limit: int
) -> bool:
    waiting: int = await unit.fetchval(_WAITING, tenant_id, list(names), limit)
    return waiting + sum(new.get(name, 0) for name in names) > limit


def _priorities(new: Sequence[NewJob], last: int) -> list[int]:
    found = []
    for job in new:
        if job.delay_s > 0:
            found.append(WAITING)
        else:
            last = min(last + 1, _HIGHEST_TAG)
            found.append(-last)
    return found


def _key(tenant_id: UUID, job: NewJob) -> str | None:
    return None if job.dedupe_key is None else f"{tenant_id}:{job.name}:{job.dedupe_key}"


def _encoded(job: NewJob) -> bytes:
    try:
        data = msgspec.json.encode(job.payload)
    except (TypeError, ValueError) as error:
        raise Invalid("JOB_PAYLOAD_UNFIT", job=job.name, cause=str(error)) from error
    if not data.startswith(b"{"):
        raise Invalid("JOB_PAYLOAD_UNFIT", job=job.name, cause="not an object")
    if len(data) > PAYLOAD_LIMIT:
        raise Invalid("JOB_PAYLOAD_TOO_LARGE", job=job.name, size=len(data), limit=PAYLOAD_LIMIT)
    return data
