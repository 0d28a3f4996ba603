"""Roots (根字段): fields of ``Query``, payloads and changes as parts of one statement."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from jingwei_api.planning.asking import slot_of
from jingwei_api.planning.building import Building, storable, told
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.rows import page_of, record_fields
from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    AreaField,
    ChangePart,
    DuplicatesField,
    ListField,
    LookupField,
    MeField,
    MePart,
    NodeField,
    NodesField,
    PayloadRow,
    PlaceAtField,
    QuestionField,
    QueueField,
    SpaceField,
    TypenameField,
)
from jingwei_api.schema.queries import MAX_NODES
from jingwei_core.events.duplicates import (
    MAX_HINTS,
    Near,
    near,
    near_criteria,
    nearest_first,
    whole_metres,
)
from jingwei_core.events.kinds import checked_kind
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.queue import (
    AREA_PERMISSION,
    area_criterion,
    queue_criterion,
    queue_shape,
    waiting,
)
from jingwei_core.places.geometry import checked_position
from jingwei_core.places.locate import deepest_place
from jingwei_core.reading.selection import (
    Asked,
    Constant,
    Figure,
    First,
    Group,
    Items,
    Lookup,
    RootField,
    RowOf,
    Rows,
    Sql,
    Test,
    Typename,
    Value,
)
from jingwei_sdk.errors import Invalid, JingweiError
from jingwei_sdk.records import Record

ROW = "#row"
"""Under this name a payload or a change brings the id of its row."""
RULES = "#rules"
"""Under this name the variables hold the tenant's event rules, where a field needs them."""

QueueShape = tuple[tuple[bool, int], ...]
RootPlanner = Callable[[Building, Chosen], RootField]


def group_of(building: Building, key: str, chosen: Sequence[Chosen]) -> Group:
    """An object that is no row. Fields that no statement answers are left out of it."""
    planned = (one for one in chosen if is_planned(one))
    return Group(key, tuple(ROOTS[type(one.meaning)](building, one) for one in planned))


def is_planned(chosen: Chosen) -> bool:
    """Whether a statement answers the field."""
    if isinstance(chosen.meaning, ChangePart):
        return chosen.meaning.part == "node"
    return type(chosen.meaning) in ROOTS


def _list(building: Building, chosen: Chosen) -> RootField:
    return building.tried(chosen, lambda: page_of(building, chosen, chosen.meaning.record))


def _lookup(building: Building, chosen: Chosen) -> RootField:
    record = chosen.meaning.record
    convert = functools.partial(_row_id, record.name)

    def make() -> Lookup:
        value = building.parameter(chosen, chosen.given["id"], convert)
        fields = record_fields(building, record, chosen.below())
        return Lookup(chosen.key, record, value, fields)

    return building.tried(chosen, make)


def _row_id(type_name: str, value: Any) -> Any:
    return global_id.decode_as(type_name, _given(value), "id")


def _given(value: Any) -> Any:
    if value is None:
        raise GraphQLError("Argument 'id' must not be null.")
    return value


def _node(building: Building, chosen: Chosen) -> RootField:
    def make() -> RootField:
        given = chosen.given["id"]
        type_name, _ = global_id.decode(_given(building.now(given)), "id")
        found = _of_any(building, chosen, type_name, lambda asked: told(given, asked.variables))
        return found or Constant(chosen.key, None)

    return building.tried(chosen, make)


def _nodes(building: Building, chosen: Chosen) -> RootField:
    def make() -> RootField:
        given = chosen.given["ids"]
        ids = building.now(given)
        if len(ids) > MAX_NODES:
            raise Invalid("PAGE_SIZE_INVALID", field="ids", size=len(ids), limit=MAX_NODES)
        names = [global_id.decode(value, f"ids[{at}]")[0] for at, value in enumerate(ids)]

        def item(at: int) -> Callable[[Asked], str]:
            return lambda asked: told(given, asked.variables)[at]

        return Items(
            chosen.key,
            tuple(_of_any(building, chosen, name, item(at)) for at, name in enumerate(names)),
        )

    return building.tried(chosen, make)


def _of_any(
    building: Building, chosen: Chosen, type_name: str, id_of: Callable[[Asked], str]
) -> Lookup | None:
    """The look-up of a node; a type that this tenant does not have reads like a row that does not
    exist."""
    record = building.registry.records.get(type_name)
    if record is None:
        return None
    value = Value(lambda asked: global_id.decode(id_of(asked))[1])
    fields = record_fields(building, record, chosen.below(type_name))
    return Lookup(chosen.key, record, value, fields)


def _space(building: Building, chosen: Chosen) -> RootField:
    return group_of(building, chosen.key, chosen.below())


def _me_part(building: Building, chosen: Chosen) -> RootField:
    part = chosen.meaning.part
    registry = building.registry
    if part == "account":
        record = registry.record("Account")
        fields = record_fields(building, record, chosen.below())
        return Lookup(chosen.key, record, Value(lambda asked: asked.actor.account_id), fields)
    if part == "posts":
        mine = Test("account", "eq", Value(lambda asked: asked.actor.account_id))
        post = registry.record("Post")
        return building.tried(chosen, lambda: page_of(building, chosen, post, (mine,)))
    return Constant(chosen.key, Value(_ABOUT_ME[part]))


_ABOUT_ME: Mapping[str, Callable[[Asked], Any]] = {
    "id": lambda asked: global_id.encode("Account", asked.actor.account_id),  # type: ignore[arg-type]
    "name": lambda asked: asked.actor.name,
    "permissions": lambda asked: list(asked.permissions.grants()),  # type: ignore[attr-defined]
}


def _question(building: Building, chosen: Chosen) -> RootField:
    question, slot = chosen.meaning.question, slot_of(chosen)

    def run(asked: Asked, _: str) -> int:
        answer = asked.variables[slot]
        if isinstance(answer, JingweiError):
            raise answer
        return len(answer) if isinstance(answer, list) else 0

    _, count = building.probe(chosen, "answer", run, 0)
    if not isinstance(question.answers, Record):
        answer = Value(lambda asked: asked.variables[slot])
        return building.tried(chosen, lambda: Constant(chosen.key, answer))
    record = building.registry.record(question.answers.name)

    def row(at: int) -> Lookup:
        fields = record_fields(building, record, chosen.below())
        return Lookup(chosen.key, record, Value(lambda asked: asked.variables[slot][at]), fields)

    def make() -> RootField:
        if question.is_list:
            return Items(chosen.key, tuple(row(at) for at in range(count)))
        return row(0) if count else Constant(chosen.key, None)

    return building.tried(chosen, make)


def _queue(building: Building, chosen: Chosen) -> RootField:
    building.needs_rules = True

    def run(asked: Asked, slot: str) -> QueueShape:
        groups = waiting(asked.variables[RULES].definitions, asked.permissions)
        asked.variables[slot] = groups  # type: ignore[index]
        return queue_shape(groups)

    blank: QueueShape = ()
    slot, shape = building.probe(chosen, "queue", run, blank)
    mine = (queue_criterion(shape, lambda asked: asked.variables[slot]),)
    record = building.registry.record("Event")
    return building.tried(chosen, lambda: page_of(building, chosen, record, mine))


def _area(building: Building, chosen: Chosen) -> RootField:
    def run(asked: Asked, slot: str) -> int:
        return len(asked.permissions.paths(AREA_PERMISSION))

    _, count = building.probe(chosen, "area", run, 0)
    record = building.registry.record("Event")
    mine = (area_criterion(count),)
    return building.tried(chosen, lambda: page_of(building, chosen, record, mine))


def _place_at(building: Building, chosen: Chosen) -> RootField:
    lon, lat, crs = (chosen.given[name] for name in ("lon", "lat", "crs"))

    def run(asked: Asked, slot: str) -> None:
        said = [told(one, asked.variables) for one in (lon, lat, crs)]
        asked.variables[slot] = checked_position(*said)  # type: ignore[index]

    slot, _ = building.probe(chosen, "position", run, None)

    def deepest(alias: str, add: Callable[[Any], str]) -> str:
        found = deepest_place(
            add,
            Value(lambda asked: asked.variables[slot].lon_e7),
            Value(lambda asked: asked.variables[slot].lat_e7),
            Value(lambda asked: asked.now.astimezone(asked.tenant.timezone).date()),
        )
        return f"{alias}.id = ({found})"

    def make() -> First:
        record = building.registry.record("Place")
        fields = record_fields(building, record, chosen.below())
        by_id = Sql(lambda alias, add: f"{alias}.id")
        return First(chosen.key, record, (Sql(deepest),), by_id, fields)

    return building.tried(chosen, make)


def _duplicates(building: Building, chosen: Chosen) -> RootField:
    building.needs_rules = True
    names = ("kind_code", "lon", "lat", "crs")
    given = [chosen.given[name] for name in names]

    def run(asked: Asked, slot: str) -> None:
        code, lon, lat, crs = (told(one, asked.variables) for one in given)
        kinds = asked.variables[RULES].kinds_by_code
        kind = checked_kind(kinds.get(storable(code).strip()), code, by_plugin=True)
        reported = ReportedPosition(lon, lat, crs)
        asked.variables[slot] = near(kind, reported, asked.now)  # type: ignore[index]

    slot, _ = building.probe(chosen, "near", run, None)

    def near_of(asked: Asked) -> Near:
        found: Near = asked.variables[slot]
        return found

    def part(below: Chosen) -> RowOf | Figure | Typename:
        if isinstance(below.meaning, TypenameField):
            return Typename(below.key, below.parent)
        if below.meaning.part == "event":
            return RowOf(below.key, record_fields(building, record, below.below()))
        return Figure(below.key, whole_metres(near_of))

    record = building.registry.record("Event")
    return building.tried(
        chosen,
        lambda: Rows(
            chosen.key,
            record,
            near_criteria(near_of),
            nearest_first(near_of),
            MAX_HINTS,
            tuple(part(below) for below in chosen.below()),
        ),
    )


def _payload_row(building: Building, chosen: Chosen) -> RootField:
    record = building.registry.record(chosen.meaning.record)
    fields = record_fields(building, record, chosen.below())
    return Lookup(chosen.key, record, Value(lambda asked: asked.variables[ROW]), fields)


def _change_node(building: Building, chosen: Chosen) -> RootField:
    record = building.registry.record(building.record)
    fields = record_fields(building, record, chosen.below(record.name))
    return Lookup(chosen.key, record, Value(lambda asked: asked.variables[ROW]), fields)


ROOTS: dict[type, RootPlanner] = {
    TypenameField: lambda building, chosen: Typename(chosen.key, chosen.parent),
    ListField: _list,
    LookupField: _lookup,
    NodeField: _node,
    NodesField: _nodes,
    SpaceField: _space,
    MeField: _space,
    MePart: _me_part,
    QuestionField: _question,
    QueueField: _queue,
    AreaField: _area,
    PlaceAtField: _place_at,
    DuplicatesField: _duplicates,
    PayloadRow: _payload_row,
    ChangePart: _change_node,
}
"""Who plans which field of an object that is no row."""
