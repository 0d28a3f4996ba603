"""Personal fields of a package (个人信息字段): none without a declaration, none for belief.

The platform refuses a package with an objection when it is registered, so one that omits a
declaration never serves a city; ``plugin check`` tells its author all of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.inspect import StructType

from jingwei_sdk._type_parts import parts_of
from jingwei_sdk.commands import declaration
from jingwei_sdk.errors import Refused
from jingwei_sdk.personal import Mask, Personal
from jingwei_sdk.personal_names import (
    is_forbidden,
    looks_personal,
    names_a_person,
    speaks_of_belief,
)
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Record
from jingwei_sdk.tables import TenantTable, columns_of


def objections(plugin: Plugin) -> Iterator[Refused]:
    """Everything that the package may not keep as it declares it, none when all is well.

    ``BELIEF_FIELD`` (信仰、民族字段), ``PERSONAL_UNDECLARED``, ``PERSONAL_UNKNOWN_COLUMN``,
    ``PERSONAL_MASK_UNFIT``; each names the package and the field.
    """
    for where, name in _names(plugin):
        if is_forbidden(name):
            yield Refused("BELIEF_FIELD", plugin=plugin.id, name=where)
    for table in tables_of(plugin):
        yield from _of_table(plugin.id, table)


def tables_of(plugin: Plugin) -> list[type[TenantTable]]:
    """The tables a package brings or reads, each once."""
    read = [record.table for record in plugin.records]
    return list(dict.fromkeys([*plugin.tables, *read]))


def _of_table(plugin: str, table: type[TenantTable]) -> Iterator[Refused]:
    columns = {column._meta.name: column for column in columns_of(table)}
    for name, column in columns.items():
        where = f"{table.__name__}.{name}"
        told = column._meta.help_text or ""
        if speaks_of_belief(told):
            yield Refused("BELIEF_FIELD", plugin=plugin, name=where)
        is_personal = looks_personal(name) or names_a_person(table.__name__, name, told)
        if name not in table.PERSONAL and is_personal:
            yield Refused("PERSONAL_UNDECLARED", plugin=plugin, name=where)
    for name, said in table.PERSONAL.items():
        where = f"{table.__name__}.{name}"
        if name not in columns or not isinstance(said, Personal):
            yield Refused("PERSONAL_UNKNOWN_COLUMN", plugin=plugin, name=where)
        elif said.mask not in (None, Mask.TEXT) and columns[name].value_type is not str:
            yield Refused("PERSONAL_MASK_UNFIT", plugin=plugin, name=where, mask=said.mask)


def _names(plugin: Plugin) -> Iterator[tuple[str, str]]:
    """Every name under which the package would keep, take or tell something, and where it is."""
    for table in tables_of(plugin):
        yield table.__name__, table.__name__
        yield from _each(table.__name__, (column._meta.name for column in columns_of(table)))
    for record in plugin.records:
        yield record.name, record.name
        yield from _each(record.name, (*record.computed, *record.relations))
    for extension in plugin.extensions:
        yield from _each(extension.record, (*extension.computed, *extension.relations))
    for owner, struct in _structs(plugin):
        if struct is not None:
            yield from _struct_names(owner, struct)
    for kind in plugin.event_kinds:
        yield from _form_names(kind.code, kind.form_schema or {})


def _structs(plugin: Plugin) -> Iterator[tuple[str, Any]]:
    """Every struct in which the package is given or tells something, and whose it is."""
    for command in map(declaration, plugin.commands):
        yield from ((command.name, each) for each in (command.input, command.result))
    for question in plugin.questions:
        answers = None if isinstance(question.answers, Record) else question.answers
        yield from ((question.name, each) for each in (question.input, answers))
    yield from ((each.name, each.payload) for each in plugin.event_types)
    yield from ((each.name, each.payload) for each in plugin.consumers)
    if plugin.settings is not None:
        yield plugin.settings.schema.__name__, plugin.settings.schema


def _struct_names(owner: str, struct: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """The fields of a struct and of all that it holds."""
    for part in parts_of(struct):
        if isinstance(part, StructType):
            yield from _each(owner, (field.name for field in part.fields))
            yield from _each(owner, (field.encode_name for field in part.fields))


def _form_names(code: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The properties of a form at any depth, and the titles people read."""
    for key, value in schema.items():
        if key == "properties" and isinstance(value, Mapping):
            yield from _each(code, value)
        if key == "title" and isinstance(value, str):
            yield f"{code}.{value}", value
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, Mapping):
                yield from _form_names(code, part)


def _each(owner: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((f"{owner}.{name}", name) for name in names)
