"""Seeing the outbox (发件箱管理): what left, what waits, what was refused; never the content."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jingwei_core.database import Unit

_LIST = """
SELECT id AS message, channel, status, attempts, last_error, created_at, delivered_at
FROM core.outbox_message WHERE $1::text IS NULL OR status = $1
ORDER BY id DESC LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message of the tenant whose unit is open."""

    message: UUID
    channel: str
    status: str
    attempts: int
    last_error: str
    created_at: datetime
    delivered_at: datetime | None


async def list_messages(
    unit: Unit, *, status: str | None = None, limit: int = 50
) -> list[MessageLine]:
    """The newest messages."""
    return [MessageLine(**row) for row in await unit.fetch(_LIST, status, limit)]
