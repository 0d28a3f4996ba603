"""Remembered rules (规则缓存): a tenant's workflows and event kinds, for as long as they are so.

Each entry holds for one policy number, which moves with every change of these tables: whoever reads
with that number reads with these rules.
"""

import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from jingwei_core.database.engine import Database
from jingwei_core.database.reading import Reading, one_trip
from jingwei_core.events.workflow import WorkflowDefinition, stored_workflow

_MOST = 256
_SQL = one_trip(
    "(SELECT json_build_object("
    "'workflows', (SELECT coalesce(json_object_agg(w.id, w.definition), '{}')"
    " FROM core.workflow w),"
    " 'kinds', (SELECT coalesce(json_object_agg(k.code, json_build_object("
    "'id', k.id, 'workflow', k.workflow, 'owner_plugin', k.owner_plugin,"
    " 'is_active', k.is_active, 'duplicate_radius_m', k.duplicate_radius_m,"
    " 'duplicate_days', k.duplicate_days)), '{}') FROM core.event_kind k)))"
)


class KnownKind(msgspec.Struct, frozen=True, gc=False):
    """What a report has to know of an event kind."""

    id: uuid.UUID
    workflow: str
    owner_plugin: str
    is_active: bool
    duplicate_radius_m: int | None
    duplicate_days: int | None


class _Rules(msgspec.Struct, frozen=True):
    workflows: dict[uuid.UUID, msgspec.Raw]
    kinds: dict[str, KnownKind]


@dataclass(frozen=True, slots=True)
class EventRules:
    """A tenant's workflows by id (old versions included) and its kinds by code."""

    policy: int
    workflows: Mapping[uuid.UUID, WorkflowDefinition]
    kinds: Mapping[str, KnownKind]


_DECODER = msgspec.json.Decoder(_Rules)


class KnownRules:
    """The rules of the tenants that asked most recently."""

    def __init__(self, database: Database, size: int = _MOST) -> None:
        self._database = database
        self._size = size
        self._entries: OrderedDict[uuid.UUID, EventRules] = OrderedDict()

    def known(self, tenant_id: uuid.UUID, policy: int) -> EventRules | None:
        """What is remembered for a policy number."""
        rules = self._entries.get(tenant_id)
        if rules is None or rules.policy != policy:
            return None
        self._entries.move_to_end(tenant_id)
        return rules

    async def load(self, reading: Reading) -> EventRules | None:
        """The rules as they are; ``None`` when access has changed since ``reading`` was made."""
        answer = await self._database.read(reading, _SQL, ())
        if answer is None:
            return None
        found = _DECODER.decode(answer)
        rules = EventRules(
            reading.policy,
            {key: stored_workflow(bytes(text)) for key, text in found.workflows.items()},
            found.kinds,
        )
        self._entries[reading.tenant] = rules
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return rules
