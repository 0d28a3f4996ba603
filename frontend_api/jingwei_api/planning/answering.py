"""Answering (答问): questions of packages as parts of a statement.

A narrowed question says in Python which rows answer it, anew for each request; what that writes
into the statement is its shape. A told one needs no statement (:mod:`~.telling`), a resolved
one was answered before (:mod:`~.asking`).
"""

from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

from jingwei_api.planning.asking import slot_of
from jingwei_api.planning.asking_at_once import said
from jingwei_api.planning.building import Building
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.rows import page_of, record_fields
from jingwei_api.planning.telling import told_of
from jingwei_api.schema.meanings import TypenameField
from jingwei_core.reading.narrowing import BLANK, criteria, order_of, shape_of_answer, written
from jingwei_core.reading.selection import (
    Asked,
    Constant,
    Figure,
    First,
    Items,
    Lookup,
    RootField,
    RowOf,
    Rows,
    Sql,
    Typename,
    Value,
)
from jingwei_sdk.errors import JingweiError
from jingwei_sdk.narrowing import Condition, Narrowed
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Record

_NO_FIGURE = Sql(lambda alias, add: "NULL::integer")


def answer_of(building: Building, chosen: Chosen) -> RootField:
    """The part of a statement that answers a question."""
    question: Question = chosen.meaning.question
    if question.tell is not None:
        return told_of(building, chosen)
    return _resolved(building, chosen) if question.narrow is None else _narrowed(building, chosen)


def _resolved(building: Building, chosen: Chosen) -> RootField:
    question, slot = chosen.meaning.question, slot_of(chosen)

    def run(asked: Asked, _: str) -> int:
        answer = asked.variables[slot]
        if isinstance(answer, (JingweiError, GraphQLError)):
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


def _narrowed(building: Building, chosen: Chosen) -> RootField:
    question: Question = chosen.meaning.question
    building.needs_rules |= question.needs_rules

    def run(asked: Asked, slot: str) -> Any:
        found = said(chosen, asked)
        asked.variables[slot] = found  # type: ignore[index]
        return shape_of_answer(found)

    slot, shape = building.probe(chosen, "narrowed", run, BLANK)

    def found(asked: Asked) -> Narrowed:
        narrowed: Narrowed = asked.variables[slot]
        return narrowed

    return building.tried(chosen, lambda: _part(building, chosen, shape, found))


def _part(
    building: Building, chosen: Chosen, shape: Any, found: Callable[[Asked], Narrowed]
) -> RootField:
    question: Question = chosen.meaning.question
    assert isinstance(question.answers, Record)
    record = building.registry.record(question.answers.name)

    def conditions(asked: Asked) -> Sequence[Condition]:
        return found(asked).where

    where = criteria(shape[0], conditions)
    if question.is_page:
        return page_of(building, chosen, record, where)
    order = written(shape[1], lambda asked: order_of(found(asked)))
    if question.about is None:
        fields = record_fields(building, record, chosen.below())
        return First(chosen.key, record, where, order, fields)
    figures = dict(shape[2])

    def part(below: Chosen) -> RowOf | Figure | Typename:
        if isinstance(below.meaning, TypenameField):
            return Typename(below.key, below.parent)
        name = below.meaning.name
        if below.meaning.is_row:
            return RowOf(below.key, record_fields(building, record, below.below()))
        if name not in figures:
            return Figure(below.key, _NO_FIGURE)
        return Figure(below.key, written(figures[name], lambda asked: found(asked).figures[name]))

    parts = tuple(part(below) for below in chosen.below())
    return Rows(chosen.key, record, where, order, question.about.most, parts)
