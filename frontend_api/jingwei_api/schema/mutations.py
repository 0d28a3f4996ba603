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
    CommitField,
    PayloadReplayed,
    PayloadRow,
    PayloadValue,
)
from jingwei_api.schema.naming import lower_first, pascal
from jingwei_api.schema.references import Declarations, owner_of
from jingwei_api.schema.types import Argument, Field, TypeSpace
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
    if "Evidence" in registry.records:
        found.append(_evidence_commit(space))
    return sorted(found, key=lambda field: field.name)


def _evidence_commit(space: TypeSpace) -> Field:
    """The one write that is more than a transaction: bytes are looked at between two of them."""
    answer = Field(
        "evidence",
        "Evidence | None",
        "The evidence.",
        meaning=PayloadRow("Evidence"),
    )
    text = "Answer of evidenceCommit."
    space.object("EvidenceCommitPayload", [answer], owner="core", description=text)
    return Field(
        "evidence_commit",
        "EvidenceCommitPayload | None",
        "提交证据: make an upload evidence; sent again, it answers the same.",
        (Argument("id", strawberry.ID, "The upload's id."),),
        meaning=CommitField(),
    )


def _mutation(space: TypeSpace, structs: Structs, command: Command, owner: str) -> Field:
    payload = _payload(space, structs, command, owner)
    arguments = []
    if command.on is not None:
        arguments += [
            Argument("id", strawberry.ID, f"The {command.on} it is about."),
            Argument("expected_version", int | None, "Refuse if the row's version moved on."),
        ]
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
    return Field(
        command.mutation,
        f"{payload} | None",
        command.description,
        tuple(arguments),
        owner,
        graphql_name=command.mutation,
        meaning=CommandField(command),
    )


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
    space.object(name, [answer, replayed], owner=owner, description=f"Answer of {command.name}.")
    return name


def call_of(command: Command, given: Mapping[str, Any], along: Riding | None = None) -> Call:
    """The call that the arguments of a mutation make; ``along`` makes the read of its payload.

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
    )
