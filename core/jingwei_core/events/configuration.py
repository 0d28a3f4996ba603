"""Configuration in force (现行配置): a tenant's kinds, workflows, limits and calendar, remembered.

They change rarely and every step of an event needs them. The tenant's policy number moves with each
change of these tables, in the transaction that makes it: what was read with a number holds for as
long as the number does. Only what is committed is remembered.
"""

import sys
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from jingwei_core.commands.data import UnitData
from jingwei_core.database.engine import Database
from jingwei_core.database.reading import bound_trip
from jingwei_core.events.deadlines import Deadlines, Rule
from jingwei_core.events.forms import Form
from jingwei_core.events.tables import CalendarDay, DeadlineRule, EventKind, WorkCalendar, Workflow
from jingwei_core.events.work_clock import TimeUnit, WorkClock, read_work_clock
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_reading import stored_workflow
from jingwei_core.routing.tables import EventRoute, HandlingRule
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Conflict, Invalid, NotFound

_MOST = 256
_MOST_TEXTS = 512
"""How many different forms are kept for all tenants together."""
_NUMBER = "SELECT coalesce((SELECT number FROM core.policy_version), 0)"
_TABLES = frozenset(
    {CalendarDay, DeadlineRule, EventKind, WorkCalendar, Workflow, EventRoute, HandlingRule}
)


def _rows(table: str, columns: str, order: str = "id", where: str = "true") -> str:
    pairs = ", ".join(f"'{name}', t.{name}" for name in columns.split())
    return (
        f"(SELECT coalesce(json_agg(json_build_object({pairs}) ORDER BY t.{order}), '[]')"
        f" FROM core.{table} t WHERE {where})"
    )


_KIND = (
    "id code department workflow deadline_profile form_schema photo_required duplicate_radius_m"
    " duplicate_days owner_plugin is_active"
)
_EXPRESSION = (
    f"(SELECT json_build_object('number', ({_NUMBER}),"
    f" 'kinds', {_rows('event_kind', _KIND)},"
    f" 'workflows', {_rows('workflow', 'id code number is_current definition', 'number')},"
    f" 'limits', {_rows('deadline_rule', 'profile state amount unit warn_at_percent')},"
    f" 'routes', {_rows('event_route', 'id kind level place department')},"
    f" 'handlings', {_rows('handling_rule', 'handling kind workflow')},"
    f" 'calendars', {_rows('work_calendar', 'definition')},"
    # asyncpg stores the last day that Python knows as one without end; no deadline reaches it.
    f" 'days', {_rows('calendar_day', 'day is_working', where='isfinite(t.day)')}))"
)
_COMMITTED = bound_trip(_EXPRESSION)
_IN_UNIT = f"SELECT {_EXPRESSION}::text"


class Kind(msgspec.Struct, frozen=True, dict=True):
    """A kind of events, as a step needs it; the columns are those of :class:`EventKind`."""

    id: uuid.UUID
    code: str
    department: uuid.UUID | None
    workflow: str
    deadline_profile: str
    form_schema: msgspec.Raw
    photo_required: bool
    duplicate_radius_m: int | None
    duplicate_days: int | None
    owner_plugin: str
    is_active: bool

    @cached_property
    def form(self) -> Form:
        """What the kind asks for, ready to check with."""
        return _form(bytes(self.form_schema))


class StoredWorkflow(msgspec.Struct, frozen=True, dict=True):
    """A version of a workflow."""

    id: uuid.UUID
    code: str
    number: int
    is_current: bool
    definition: msgspec.Raw

    @cached_property
    def read(self) -> WorkflowDefinition:
        """The state machine; raises ``Invalid`` (``WORKFLOW_INVALID``)."""
        return stored_workflow(bytes(self.definition))


@lru_cache(maxsize=_MOST_TEXTS)
def _form(schema: bytes) -> Form:
    return Form(msgspec.json.decode(schema))


@lru_cache(maxsize=_MOST_TEXTS)
def _one(text: bytes) -> msgspec.Raw:
    """The same object for the same text; a copy, for what is decoded holds all it came from."""
    return msgspec.Raw(text)


class _Limit(msgspec.Struct, frozen=True):
    profile: str
    state: str
    amount: float
    unit: str
    warn_at_percent: int

    def rule(self) -> Rule:
        return Rule(Decimal(str(self.amount)), TimeUnit(self.unit), self.warn_at_percent)


class Route(msgspec.Struct, frozen=True):
    """Which department events go to; the columns are those of :class:`EventRoute`."""

    id: uuid.UUID
    kind: str
    level: str
    place: str
    department: uuid.UUID


class _Handling(msgspec.Struct, frozen=True):
    handling: str
    kind: str
    workflow: str


class _Calendar(msgspec.Struct, frozen=True):
    definition: dict[str, Any]


class _Day(msgspec.Struct, frozen=True):
    day: date
    is_working: bool


class Configuration(msgspec.Struct, frozen=True, dict=True):
    """A tenant's configuration under one policy number."""

    number: int
    kinds: tuple[Kind, ...]
    workflows: tuple[StoredWorkflow, ...]
    limits: tuple[_Limit, ...]
    calendars: tuple[_Calendar, ...]
    days: tuple[_Day, ...]
    routes: tuple[Route, ...] = ()
    handlings: tuple[_Handling, ...] = ()

    @cached_property
    def kinds_by_code(self) -> Mapping[str, Kind]:
        """All kinds, switched off ones too."""
        return {kind.code: kind for kind in self.kinds}

    def kind(self, kind_id: uuid.UUID) -> Kind:
        """The kind with this id; raises ``NotFound``."""
        return _found(EventKind, self._kinds_by_id, kind_id)

    def workflow(self, workflow_id: uuid.UUID) -> StoredWorkflow:
        """The version with this id, current or not; raises ``NotFound``."""
        return _found(Workflow, self._workflows_by_id, workflow_id)

    def current_workflow(self, kind: Kind) -> StoredWorkflow:
        """The version that new events of a kind begin with.

        Raises ``Conflict`` (``EVENT_WORKFLOW_MISSING``).
        """
        found = self._current.get(kind.workflow)
        if found is None:
            raise Conflict("EVENT_WORKFLOW_MISSING", kind=kind.code, workflow=kind.workflow)
        return found

    def workflow_for(self, kind: Kind, handling: str) -> StoredWorkflow:
        """The version that new events of a kind begin with when they are of a handling type: by
        the rule for the most specific kind; without one, the kind's own if it is made for that.

        Raises ``Invalid`` (``EVENT_HANDLING_UNKNOWN``), ``Conflict`` (``EVENT_WORKFLOW_MISSING``).
        """
        fitting = [
            one
            for one in self.handlings
            if one.handling == handling and covers_kind(one.kind, kind.code)
        ]
        if not fitting:
            own = self.current_workflow(kind)
            if own.read.handling == handling:
                return own
            raise Invalid(
                "EVENT_HANDLING_UNKNOWN", field="handling", handling=handling, kind=kind.code
            )
        code = max(fitting, key=lambda one: len(one.kind)).workflow
        if code not in self._current:
            raise Conflict("EVENT_WORKFLOW_MISSING", kind=kind.code, workflow=code)
        return self._current[code]

    def routes_of(self, kind: str) -> tuple[Route, ...]:
        """The routes that are about events of a kind, the most specific kind first."""
        fitting = [route for route in self.routes if covers_kind(route.kind, kind)]
        return tuple(sorted(fitting, key=lambda route: -len(route.kind)))

    def deadlines(
        self, profile: str, workflow: StoredWorkflow | None, timezone: ZoneInfo
    ) -> Deadlines:
        """The limits of a profile, and those of the workflow where the profile has none.

        Raises ``Conflict`` (``CALENDAR_MISSING``) when there are limits and no work calendar.
        """
        key = (profile, workflow.id if workflow is not None else None, timezone)
        found = self._deadlines.get(key)
        if found is None:
            rules = dict(workflow.read.rules()) if workflow is not None else {}
            rules |= {one.state: one.rule() for one in self.limits if one.profile == profile}
            clock = self.work_clock(timezone) if rules else None
            found = self._deadlines[key] = Deadlines(rules, clock)
        return found

    @cached_property
    def definitions(self) -> Mapping[uuid.UUID, WorkflowDefinition]:
        """The state machines by the ids of their versions, old versions included."""
        return {workflow.id: workflow.read for workflow in self.workflows}

    @cached_property
    def _kinds_by_id(self) -> dict[uuid.UUID, Kind]:
        return {kind.id: kind for kind in self.kinds}

    @cached_property
    def _workflows_by_id(self) -> dict[uuid.UUID, StoredWorkflow]:
        return {workflow.id: workflow for workflow in self.workflows}

    @cached_property
    def _current(self) -> dict[str, StoredWorkflow]:
        # In the order of their numbers, so the last of a code stays.
        return {workflow.code: workflow for workflow in self.workflows if workflow.is_current}

    @cached_property
    def _deadlines(self) -> dict[tuple[str, uuid.UUID | None, ZoneInfo], Deadlines]:
        return {}

    @cached_property
    def _clocks(self) -> dict[ZoneInfo, WorkClock]:
        return {}

    def work_clock(self, timezone: ZoneInfo) -> WorkClock:
        """The tenant's work clock; raises ``Conflict`` (``CALENDAR_MISSING``)."""
        found = self._clocks.get(timezone)
        if found is None:
            if not self.calendars:
                raise Conflict("CALENDAR_MISSING")
            days = {day.day: day.is_working for day in self.days}
            found = read_work_clock(self.calendars[0].definition, days, timezone)
            self._clocks[timezone] = found
        return found


def covers_kind(rule: str, kind: str) -> bool:
    """Whether a rule for the kind ``rule``, or for any when that is empty, is about ``kind``: it is
    that one or lies below it in the tree."""
    return not rule or kind == rule or kind.startswith(f"{rule}.")


Held = TypeVar("Held")


def _found(table: type[Any], held: Mapping[uuid.UUID, Held], row_id: uuid.UUID) -> Held:
    if row_id not in held:
        raise NotFound("ROW_NOT_FOUND", record=table.__name__, id=str(row_id))
    return held[row_id]


_DECODER = msgspec.json.Decoder(Configuration)


def _decoded(answer: bytes | str) -> Configuration:
    """The configuration; what tenants have in common is one object for all of them."""
    found = _DECODER.decode(answer)
    change = msgspec.structs.replace
    return change(
        found,
        kinds=tuple(
            change(
                kind,
                form_schema=_one(bytes(kind.form_schema)),
                code=sys.intern(kind.code),
                workflow=sys.intern(kind.workflow),
                deadline_profile=sys.intern(kind.deadline_profile),
                owner_plugin=sys.intern(kind.owner_plugin),
            )
            for kind in found.kinds
        ),
        workflows=tuple(
            change(one, definition=_one(bytes(one.definition))) for one in found.workflows
        ),
    )


class KnownConfigurations:
    """The configurations of the tenants that were used most recently."""

    def __init__(self, database: Database, size: int = _MOST) -> None:
        self._database = database
        self._size = size
        self._entries: OrderedDict[uuid.UUID, Configuration] = OrderedDict()

    def known(self, tenant: Tenant, number: int) -> Configuration | None:
        """What is remembered for a policy number."""
        found = self._entries.get(tenant.id)
        if found is None or found.number != number:
            return None
        self._entries.move_to_end(tenant.id)
        return found

    async def load(self, tenant: Tenant) -> Configuration | None:
        """The configuration as it is committed now, remembered from here on.

        ``None`` where a read could see what is not committed: in a rehearsal, behind a pooler.
        """
        return await self._read(tenant) if self._database.reads_apart else None

    async def under(self, tenant: Tenant, number: int) -> Configuration | None:
        """The configuration under a policy number, for a reader; ``None`` when the tenant's number
        is another one by now."""
        found = self.known(tenant, number) or await self._read(tenant)
        return found if found.number == number else None

    async def _read(self, tenant: Tenant) -> Configuration:
        """The configuration as it is now, remembered if it is certain to be committed."""
        answer = await self._database.ask(tenant.id, _COMMITTED, ())
        assert answer is not None
        found = _decoded(answer)
        if self._database.reads_apart:
            self._entries[tenant.id] = found
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
        return found


class ConfigurationInForce:
    """The configuration as a context's transaction sees it.

    ``policy`` is the policy number that the transaction has seen when it began; without one, and
    after a change made in this context, the number is asked for at each use.
    """

    def __init__(
        self, known: KnownConfigurations, data: UnitData, tenant: Tenant, policy: int | None
    ) -> None:
        self._known = known
        self._data = data
        self._tenant = tenant
        self._policy = policy
        self._held: Configuration | None = None

    async def get(self) -> Configuration:
        """The configuration."""
        is_ours = not _TABLES.isdisjoint(self._data.written)
        if self._held is not None and self._policy is not None and not is_ours:
            return self._held
        number = self._policy
        if number is None or is_ours:
            number = await self._data.fetchval(_NUMBER)
        found = self._known.known(self._tenant, number)
        if found is None and not is_ours:
            found = await self._known.load(self._tenant)
        if found is None or found.number != number:
            found = _decoded(await self._data.fetchval(_IN_UNIT))
        self._held = found
        return found
