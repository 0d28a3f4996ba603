"""Plans (计划): which statement answers a request, from what was worked out for others like it.

Three things decide, each kept by what it depends on: the *draft* by the shape of the variables, the
*plan* by what the draft's probes found out about the request and by the shape of the caller's
permissions. Neither holds anything of a tenant.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import msgspec
from graphql import GraphQLError

from jingwei_api.planning import figures
from jingwei_api.planning.asking import questions_in
from jingwei_api.planning.building import Building, FieldRefused, Probe, ProbeKey, Refusal
from jingwei_api.planning.collecting import Chosen, collect
from jingwei_api.planning.documents import PreparedOperation
from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.recent import Recent
from jingwei_api.planning.roots import group_of
from jingwei_core.database.lanes import LONGEST_CACHED
from jingwei_core.reading.compiled import NOTHING_KNOWN, Compiled, Little, sight_shape
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.selection import Asked, Value
from jingwei_core.registry import Registry
from jingwei_sdk.errors import JingweiError

DRAFTS = 1024
"""How many drafts are kept, of all documents together."""
PLANS = 2048
"""How many statements are kept, of all documents together."""
LONGEST_PLAN = LONGEST_CACHED
"""Longer statements are written each time: a short document with fragments can ask for very long
ones, and what is kept must be bounded in bytes as well."""

PLANNERS = (figures,)
"""The modules that plan fields of their own, by what these mean."""

Results = tuple[Hashable, ...]
Refused = frozenset[Chosen]
Found = tuple[Results, Refused, Little]


class Question(msgspec.Struct, frozen=True, eq=False):
    """An operation with the checked variables of one request and their shape.

    What probes find out for parameters is put beside the variables, under names that no variable
    can have.
    """

    operation: PreparedOperation
    given: Mapping[str, Any]
    variables: dict[str, Any]
    shape: Hashable

    @classmethod
    def of(cls, operation: PreparedOperation, given: Mapping[str, Any]) -> Self:
        """Raises ``VariablesRefused``."""
        variables = operation.variables.checked(given, operation.shape.conditions)
        return cls(operation, given, variables, operation.shape.of(variables))


class Part(NamedTuple):
    """What of an operation one statement reads: the object at a path of the response, ``()`` for
    its root; of a change, the row of ``record``."""

    at: tuple[str, ...] = ()
    record: str = ""


ROOT = Part()


@dataclass(slots=True, eq=False)
class Draft:
    """The fields of a part, chosen for variables of one shape, and what each request is probed
    for. ``asking`` are the questions among them, which are answered before. ``names`` grows to all
    permissions that any statement of the draft depended on."""

    operation: PreparedOperation
    record: str
    chosen: tuple[Chosen, ...]
    probes: Mapping[ProbeKey, Probe]
    needs_rules: bool
    asking: tuple[Chosen, ...] = ()
    names: tuple[str, ...] = ()

    def names_of_fields(self) -> dict[str, str]:
        """What the fields at its top are called, by their response keys."""
        return {one.key: f"{one.parent}.{one.told.name}" for one in self.chosen}


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A statement, and the fields that it answers with null because they were refused.

    ``unread`` are arguments that may be refused and that the statement does not need.
    ``is_audited`` says that it shows rows whose reading is recorded, ``may_be_audited`` that its
    answer tells whether it does."""

    compiled: Compiled
    refusals: tuple[Refusal, ...]
    unread: tuple[Value, ...]
    is_audited: bool
    may_be_audited: bool

    @property
    def is_direct(self) -> bool:
        """Whether the bytes of the statement are the answer as they are."""
        return not (self.compiled.worked or self.is_audited)

    def arguments(self, asked: Asked) -> list[Any]:
        """The parameters for one request; raises ``FieldRefused``."""
        for value in self.unread:
            value.of(asked)
        return self.compiled.arguments(asked)


@dataclass(slots=True)
class Planned:
    """A statement with the parameters of one request, and all that was refused of it."""

    plan: Plan
    arguments: list[Any]
    refusals: dict[Chosen, Refusal] = field(default_factory=dict)

    def told(self) -> list[Refusal]:
        """The refusals in the order of the response, without those below a refused field."""
        found = {one.chosen.path: one for one in self.plan.refusals}
        found.update({one.chosen.path: one for one in self.refusals.values()})
        return [
            one
            for path, one in sorted(found.items())
            if not any(path[:length] in found for length in range(1, len(path)))
        ]


DraftKey = tuple[PreparedOperation, Hashable, Part]
PlanKey = tuple[Draft, Found, Hashable]


class Plans:
    """The drafts and plans of one process."""

    def __init__(self, secret: bytes, drafts: int = DRAFTS, plans: int = PLANS) -> None:
        self._secret = secret
        self._drafts: Recent[DraftKey, Draft] = Recent(drafts)
        self._plans: Recent[PlanKey, Plan] = Recent(plans)

    @property
    def counts(self) -> tuple[int, int]:
        """How many drafts and plans are kept."""
        return len(self._drafts), len(self._plans)

    def kept(self) -> tuple[list[Draft], list[Plan]]:
        """The drafts and plans that are kept."""
        return self._drafts.values(), self._plans.values()

    def forget(self, index: SchemaIndex) -> None:
        """Let go of all drafts and plans of one schema."""
        self._drafts.drop(lambda key: key[0].index is index)
        self._plans.drop(lambda key: key[0].operation.index is index)

    def draft(self, registry: Registry, question: Question, part: Part = ROOT) -> Draft:
        """The draft of a part for variables of this shape."""
        key = (question.operation, question.shape, part)
        found = self._drafts.get(key)
        if found is None:
            found = self._new_draft(registry, question, part)
            if question.operation.is_kept:
                self._drafts.keep(key, found)
        return found

    def planned(
        self, registry: Registry, draft: Draft, asked: Asked, little: Little = NOTHING_KNOWN
    ) -> Planned:
        """The statement for a request, with its parameters; ``little`` tells of which records
        the caller sees little, as far as the operation's ``areas`` ask for it."""
        refusals: dict[Chosen, Refusal] = {}
        while True:
            results = _probed(draft, asked, refusals)
            plan = self._plan(registry, draft, asked, (results, frozenset(refusals), little))
            try:
                return Planned(plan, plan.arguments(asked), refusals)
            except FieldRefused:
                # All at once: each plan anew costs far more than looking at the other values.
                refusals.update(_refused(plan, asked))

    def _new_draft(self, registry: Registry, question: Question, part: Part) -> Draft:
        chosen = chosen_at(question, part)
        building = Building(registry, self._secret, question.variables, part.record)
        group_of(building, "", chosen)
        return Draft(
            question.operation,
            part.record,
            chosen,
            building.probes,
            building.needs_rules,
            tuple(questions_in(chosen)),
        )

    def _plan(self, registry: Registry, draft: Draft, asked: Asked, found: Found) -> Plan:
        results, refused, little = found
        permissions = asked.permissions
        key = (draft, found, sight_shape(permissions, draft.names))
        known = self._plans.get(key)
        if known is not None:
            return known
        told = {
            probe: result
            for probe, result in zip(draft.probes, results, strict=True)
            if probe[0] not in refused
        }
        building = Building(
            registry,
            self._secret,
            asked.variables,
            draft.record,
            refused,
            dict(draft.probes),
            told,
        )
        root = group_of(building, "", draft.chosen)
        compiled = compile_read(registry, root, permissions, self._secret, little)
        refusals = tuple(building.refusals)
        unread = tuple(one for one in building.checked if one not in compiled.taken)
        plan = Plan(compiled, refusals, unread, building.is_audited, building.may_be_audited)
        # A statement depends on the permissions it names only, but others of this draft on others.
        more = [name for name in compiled.permissions if name not in draft.names]
        draft.names = (*draft.names, *more)
        draft.operation.areas |= frozenset(compiled.areas)
        shape = sight_shape(permissions, draft.names)
        if draft.operation.is_kept and len(compiled.sql) <= LONGEST_PLAN:
            self._plans.keep((draft, found, shape), plan)
        return plan


def chosen_at(question: Question, part: Part = ROOT) -> tuple[Chosen, ...]:
    """The fields that an operation chooses of a part."""
    operation = question.operation
    found = operation.chosen
    if found is None:
        scope = operation.scope(question.variables)
        found = collect(scope, operation.root, [operation.node.selection_set], ())
        if not operation.shape.conditions and operation.is_kept:
            operation.chosen = found
    for key in part.at:
        (found,) = (one.below() for one in found if one.key == key)
    return found


def _refused(plan: Plan, asked: Asked) -> dict[Chosen, Refusal]:
    """The fields of which a value is refused, each with the first refusal."""
    found: dict[Chosen, Refusal] = {}
    for value in (*plan.compiled.values, *plan.unread):
        if isinstance(value, Value):
            try:
                value.of(asked)
            except FieldRefused as refused:
                found.setdefault(refused.refusal.chosen, refused.refusal)
    return found


def _probed(draft: Draft, asked: Asked, refusals: dict[Chosen, Refusal]) -> Results:
    if not draft.probes:
        return ()
    results: list[Hashable] = []
    for probe in draft.probes.values():
        result = None
        if probe.chosen not in refusals:
            try:
                result = probe.run(asked, probe.slot)
            except (JingweiError, GraphQLError) as error:
                refusals[probe.chosen] = Refusal(probe.chosen, error)
        results.append(result)
    return tuple(results)
