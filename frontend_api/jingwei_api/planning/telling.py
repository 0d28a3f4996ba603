"""Telling (告知): questions answered from what the session knows, and the rows they lead to."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from jingwei_api.planning.asking_at_once import failed, said
from jingwei_api.planning.building import Building
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.plain import reader_of
from jingwei_api.planning.rows import page_of, record_fields
from jingwei_api.schema.meanings import ToldRelation
from jingwei_core.reading.selection import (
    Asked,
    Constant,
    Group,
    Lookup,
    RootField,
    Test,
    Value,
)
from jingwei_sdk.records import Many


class _Told(NamedTuple):
    """The struct that a question told one request, and its fields as JSON by response key."""

    answer: Any
    plain: Mapping[str, Any]


def told_of(building: Building, chosen: Chosen) -> RootField:
    """The part of a statement that tells the answer."""

    plain = {
        one.key: reader_of(one)
        for one in chosen.below()
        if not isinstance(one.meaning, ToldRelation)
    }

    def run(asked: Asked, slot: str) -> bool:
        answer = said(chosen, asked)
        if answer is None:
            return False
        try:
            if not isinstance(answer, chosen.meaning.question.answers):
                raise TypeError("an answer of another type")
            told = _Told(answer, {key: read(answer) for key, read in plain.items()})
        except Exception as error:
            raise failed(chosen.meaning, error) from error
        asked.variables[slot] = told  # type: ignore[index]
        return True

    slot, is_told = building.probe(chosen, "told", run, True)
    if not is_told:
        return building.tried(chosen, lambda: Constant(chosen.key, None))
    return building.tried(
        chosen,
        lambda: Group(chosen.key, tuple(_part(building, one, slot) for one in chosen.below())),
    )


def _part(building: Building, chosen: Chosen, slot: str) -> RootField:
    if not isinstance(chosen.meaning, ToldRelation):
        return Constant(chosen.key, Value(lambda asked: asked.variables[slot].plain[chosen.key]))
    relation = chosen.meaning.relation
    record = building.registry.record(relation.record)
    if isinstance(relation, Many):
        theirs = Value(lambda asked: asked.variables[slot].answer.id)
        where = (Test(relation.column, "eq", theirs),)
        return building.tried(chosen, lambda: page_of(building, chosen, record, where))
    column, fields = relation.column, record_fields(building, record, chosen.below())
    value = Value(lambda asked: getattr(asked.variables[slot].answer, column))
    return Lookup(chosen.key, record, value, fields)
