"""What leaves a transaction (信号): jobs, outbox messages and change notices."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_core.database.unit import Unit
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.outbox.sending import send_message
from jingwei_sdk.context import Tenant

CHANGES_CHANNEL = "jingwei_changes"


class UnitSignals:
    """:class:`jingwei_sdk.context.Signals` over one unit of work.

    Change notices are kept until :meth:`notices` is written with the audit row, in one round trip.
    """

    def __init__(self, unit: Unit, tenant: Tenant, queue: JobQueue) -> None:
        self._unit = unit
        self._tenant = tenant
        self._queue = queue
        self._notices: dict[tuple[str, uuid.UUID], str | None] = {}

    async def enqueue(
        self, job: str, payload: msgspec.Struct | Mapping[str, object], *, delay_s: float = 0
    ) -> None:
        """Queue a declared job for this tenant; it runs only if the transaction commits."""
        plain: dict[str, Any] = msgspec.to_builtins(payload)
        await self._queue.enqueue(self._unit, self._tenant.id, job, plain, delay_s=delay_s)

    async def send(self, channel: str, payload: Mapping[str, object]) -> uuid.UUID:
        """Put a message into the outbox and queue its delivery."""
        return await send_message(self, self._unit, channel, payload)

    async def changed(self, record: str, row_id: uuid.UUID, place_path: str | None) -> None:
        """Remember a change for the subscribers; told once for each row when the unit commits."""
        self._notices[(record, row_id)] = place_path

    def notices(self) -> list[str]:
        """The notices so far as NOTIFY payloads, and none from then on."""
        payloads = [
            json.dumps(
                {"tenant": str(self._tenant.id), "record": record, "id": str(row), "path": path}
            )
            for (record, row), path in self._notices.items()
        ]
        self._notices.clear()
        return payloads
