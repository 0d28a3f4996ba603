"""Mutations (变更): one for each command, and the payload it answers."""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec
import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.inputs import Structs, struct_value
from jingwei_api.schema.meanings import (
    CommandField,
    PayloadReplayed,
    PayloadRow,
    PayloadValue,
)
from jingwei_api.schema.naming import lower_first, pascal
from jingwei_api.schema.offline import batch_field
from jingwei_api.schema.references import Declarations, owner_of
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.commands.bus import Call, Riding
from jingwei_sdk.commands import Command
from jingwei_sdk.errors import Invalid

LONGEST_KEY = 200


class Payload(msgspec.Struct, frozen=True):
    """What a command answered: a row to be read, or plain values."""

    row_id: uuid.UUID | None
    values: Mapping[str, Any] | None
    replayed: bool


def mutation_fields(space: TypeSpace, registry: Declarations, structs: Structs) -> list[Field]:
    """The fields of ``Mutation``, in the order of their names."""
    found = [
        _mutation(space, structs, command, owner_of(registry, "command", command.name))
        for command in registry.commands.values()
    ]
    if found:
        found.append(batch_field(space, structs))
    return sorted(found, key=lambda field: field.name)


def _mutation(space: TypeSpace, structs: Structs, command: Command, owner: str) -> Field:
    payload = _payload(space, structs, command, owner)
    arguments = _target(command)
    if command.staged is None:
        arguments += _given(structs, command, owner)
    return Field(
        command.mutation,
        f"{payload} | None",
        command.description,
        tuple(arguments),
        owner,
        graphql_name=command.mutation,
        meaning=CommandField(command),
    )


def _target(command: Command) -> list[Argument]:
    if command.on is None:
        return []
    row = Argument("id", strawberry.ID, f"The {command.on} it is about.")
    if command.staged is not None:
        return [row]
    return [row, Argument("expected_version", int | None, "Refuse if the row's version moved on.")]


def _given(structs: Structs, command: Command, owner: str) -> list[Argument]:
    """The input that a client gives, and its key."""
    arguments = []
    if msgspec.structs.fields(command.input):
        name = structs.input_type(command.input, f"{pascal(command.name)}Input", owner)
        needed = any(field.required for field in msgspec.structs.fields(command.input))
        kind = name if needed else f"{name} | None"
        arguments.append(Argument("input", kind))
    arguments.append(
        Argument(
            "idempotency_key",
            str,
            "Yours for this one action: sent again, it gives the same answer and acts once.",
        )
    )
    return arguments


def _payload(space: TypeSpace, structs: Structs, command: Command, owner: str) -> str:
    if command.returns is not None:
        record = command.returns
        answer = Field(
            lower_first(record.name),
            f"{record.name} | None",
            "The row after the command; null when it is out of your sight.",
            graphql_name=lower_first(record.name),
            meaning=PayloadRow(record.name),
        )
    else:
        assert command.result is not None
        kind = structs.output_type(command.result, command.result.__name__, owner)
        answer = Field(
            "result",
            kind,
            None,
            meaning=PayloadValue(),
        )
    name = f"{pascal(command.name)}Payload"
    replayed = Field(
        "replayed",
        bool,
        "true: this key was used before and nothing was done.",
        meaning=PayloadReplayed(),
    )
    # A staged command has no key, and whether it was done before makes no difference.
    parts = [answer, replayed] if command.staged is None else [answer]
    space.object(name, parts, owner=owner, description=f"Answer of {command.name}.")
    return name


def call_of(
    command: Command,
    given: Mapping[str, Any],
    along: Riding | None = None,
    mind: Mind = of_no_concern,
) -> Call:
    """The call that the arguments of a mutation make; ``along`` makes the read of its payload, and
    ``mind`` is told by what access it is run.

    Raises ``Invalid``: ``IDEMPOTENCY_KEY_INVALID`` and what ids and input refuse.
    """
    key = given["idempotency_key"]
    if not key.strip() or len(key) > LONGEST_KEY or not key.isprintable():
        raise Invalid("IDEMPOTENCY_KEY_INVALID", field="idempotencyKey", maximum=LONGEST_KEY)
    target = None
    if command.on is not None:
        target = global_id.decode_as(command.on, given["id"], "id")
    return Call(
        command=command,
        input=struct_value(command.input, given.get("input")),
        target_id=target,
        expected_version=given.get("expected_version"),
        key=key,
        is_typed=True,
        along=along,
        mind=mind,
    )
