"""Roots (根字段): fields of ``Query``, payloads and changes as parts of one statement."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

from jingwei_api.planning.answering import answer_of
from jingwei_api.planning.building import Building, told
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.rows import page_of, record_fields
from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    ChangePart,
    ListField,
    LookupField,
    NodeField,
    NodesField,
    PayloadRow,
    QuestionField,
    SpaceField,
    TypenameField,
)
from jingwei_api.schema.queries import MAX_NODES
from jingwei_core.reading.selection import (
    Asked,
    Constant,
    Group,
    Items,
    Lookup,
    RootField,
    Typename,
    Value,
)
from jingwei_sdk.errors import Invalid

ROW = "#row"
"""Under this name a payload or a change brings the id of its row."""

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
    QuestionField: answer_of,
    PayloadRow: _payload_row,
    ChangePart: _change_node,
}
"""Who plans which field of an object that is no row."""
