"""Notices (变更通知): what commands told when they committed, and what subscribers ask for."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from jingwei_api.schema import global_id
from jingwei_api.schema.references import PLACE
from jingwei_core.registry import Registry
from jingwei_sdk.errors import Invalid

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """A committed change: the source of the GraphQL type ``Change``."""

    tenant: uuid.UUID
    record: str
    row_id: uuid.UUID
    path: str | None
    at: datetime

    @property
    def global_id(self) -> str:
        """The row's global id."""
        return global_id.encode(self.record, self.row_id)


@dataclass(frozen=True, slots=True)
class PolicyMoved:
    """What the people of a tenant may do has changed; what is known of it must be read anew."""

    tenant: uuid.UUID


@dataclass(frozen=True, slots=True)
class Watch:
    """What a subscriber asked for."""

    under: uuid.UUID | None
    records: frozenset[str] | None

    @classmethod
    def of(cls, registry: Registry, under: str | None, records: list[str] | None) -> "Watch":
        """Raises ``Invalid``: ``ID_INVALID``, ``ID_OF_OTHER_TYPE``, ``RECORD_NAME_UNKNOWN``."""
        for name in records or ():
            if name not in registry.records:
                raise Invalid("RECORD_NAME_UNKNOWN", field="records", record=name)
        place = global_id.decode_as(PLACE, under, "under") if under else None
        return cls(place, None if records is None else frozenset(records))


def told_by(payload: str) -> Notice | PolicyMoved | None:
    """What a NOTIFY payload says; ``None`` for one that says nothing known."""
    try:
        told = json.loads(payload)
        tenant = uuid.UUID(told["tenant"])
        if told.get("policy"):
            return PolicyMoved(tenant)
        row = uuid.UUID(told["id"])
        return Notice(tenant, str(told["record"]), row, told["path"], datetime.now(UTC))
    except (ValueError, KeyError, TypeError, AttributeError):
        _log.warning("change_unreadable", length=len(payload))
        return None
