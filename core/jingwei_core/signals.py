"""What leaves a transaction (信号): jobs, outbox messages and change notices."""

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from jingwei_core.commands.data import UnitData
from jingwei_core.jobs.core_jobs import OUTBOX_DELIVER
from jingwei_core.jobs.queue import JobQueue, NewJob, adding
from jingwei_core.outbox.channels import channel_of
from jingwei_core.outbox.event_messages import published
from jingwei_core.outbox.sending import new_message
from jingwei_sdk.context import Tenant
from jingwei_sdk.events import EventType, Payload

if TYPE_CHECKING:
    from jingwei_core.registry import Registry

CHANGES_CHANNEL = "jingwei_changes"

CHANGES_PRESENCE = 7671650408059987059
"""The advisory lock that whoever listens on the channel holds shared; see ``Database.listen``."""


class UnitSignals:
    """:class:`jingwei_sdk.context.Signals` over one unit of work.

    All of it is kept until the unit's last message, which stores it before the audit row.
    """

    def __init__(
        self, data: UnitData, tenant: Tenant, queue: JobQueue, registry: "Registry"
    ) -> None:
        self._data = data
        self._tenant = tenant
        self._queue = queue
        self._registry = registry

    async def enqueue(
        self, job: str, payload: msgspec.Struct | Mapping[str, object], *, delay_s: float = 0
    ) -> None:
        """Queue a declared job for this tenant; it runs only if the transaction commits.

        Raises ``Conflict`` when as many of them wait as may: ``JOB_QUOTA`` of this name,
        ``PLUGIN_JOB_QUOTA`` of all jobs of its plugin.
        """
        call = adding(self._tenant.id, NewJob(job, payload, delay_s), self._queue.origins.of(job))
        queued = Counter((*self._data.queued, job))
        await self._queue.check_quota(self._data.unit, self._tenant.id, job, queued)
        self._data.queued.append(job)
        self._data.parting.append(call)

    async def send(self, channel: str, payload: msgspec.Struct | Mapping[str, object]) -> uuid.UUID:
        """Put a message into the outbox and queue its delivery.

        Raises what :func:`channel_of` and :func:`new_message` raise.
        """
        found = channel_of(self._registry, channel)
        return await new_message(self, self._data.parting, found, payload)

    async def publish(self, event_type: EventType[Payload], payload: Payload) -> uuid.UUID:
        """Put a message of a declared event type into the outbox and queue its delivery.

        Raises what :func:`published` raises.
        """
        message_id, stored = published(self._registry, event_type, payload, self._data.clock.now())
        self._data.parting.append(stored)
        await self.enqueue(OUTBOX_DELIVER, {"message": str(message_id)})
        return message_id

    async def changed(self, record: str, row_id: uuid.UUID, place_path: str | None) -> None:
        """Remember a change for the subscribers; told once for each row when the unit commits."""
        self._data.told.append(((record, row_id), place_path))

    def notices(self) -> list[str]:
        """The notices so far as NOTIFY payloads, and none from then on."""
        payloads = [
            _encode({"tenant": self._tenant.id, "record": record, "id": row, "path": path})
            for (record, row), path in dict(self._data.told).items()
        ]
        self._data.told.clear()
        return payloads


def _encode(notice: Mapping[str, Any]) -> str:
    return msgspec.json.encode(notice).decode()
