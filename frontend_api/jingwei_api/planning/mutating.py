"""Mutating (变更执行): commands one after another, and what each one's payload asks for.

A payload's row is read as the caller would read it in the next request: with the command where
that can be, and else after the commit. What goes wrong with one command is told at its field; the
next one is run all the same.
"""

from collections.abc import Mapping

import msgspec
from graphql import GraphQLError

from jingwei_api.execution.operation import Caller, Runtime
from jingwei_api.planning.answers import an_object
from jingwei_api.planning.arguments import given_to
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.plain import plain_object
from jingwei_api.planning.plans import Part, Question, chosen_at
from jingwei_api.planning.reads import Read, Reads
from jingwei_api.planning.riding import Rider
from jingwei_api.planning.roots import ROW
from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    CommandField,
    PayloadReplayed,
    PayloadRow,
    PayloadValue,
)
from jingwei_api.schema.mutations import Payload, call_of
from jingwei_core.commands import bus
from jingwei_core.commands.staging import run_staged
from jingwei_core.registry import Registry
from jingwei_sdk.commands import Command

NULL = b"null"


class Mutations:
    """Runs the mutations of one process."""

    def __init__(self, runtime: Runtime, reads: Reads) -> None:
        self._runtime = runtime
        self._reads = reads

    async def run(self, caller: Caller, registry: Registry, question: Question) -> Read:
        """Run the commands of a mutation in their order; answers their payloads."""
        members: list[tuple[str, bytes]] = []
        errors: list[GraphQLError] = []
        for chosen in chosen_at(question):
            found = await self._field(caller, registry, question, chosen)
            members.append((chosen.key, found.data))
            errors += found.errors
        return Read(an_object(members), errors)

    async def _field(
        self, caller: Caller, registry: Registry, question: Question, chosen: Chosen
    ) -> Read:
        try:
            rider = Rider(self._reads, caller, registry, (question, chosen))
            acted = await self._act(caller, chosen, question, rider)
            if acted is None:
                return Read(msgspec.json.encode(chosen.parent), [])  # __typename
            return await self._payload(caller, registry, question, (chosen, *acted))
        except GraphQLError as error:
            return Read(NULL, [GraphQLError(error.message, chosen.nodes, path=chosen.path)])
        except Exception as error:  # noqa: BLE001 - the dispatcher of commands: one told, all run
            return Read(NULL, [told(chosen, error)])

    async def _act(
        self, caller: Caller, chosen: Chosen, question: Question, rider: Rider
    ) -> tuple[Payload, Read | None] | None:
        """Run the command; its answer, and what of it is read already."""
        meaning = chosen.meaning
        given = given_to(chosen, question.variables)
        platform = self._runtime.platform
        if isinstance(meaning, CommandField) and meaning.command.staged is not None:
            return await self._act_in_stages(caller, meaning.command, given["id"]), None
        if isinstance(meaning, CommandField):
            call = call_of(meaning.command, given, rider.along)
            answer = await bus.execute(
                platform, caller.tenant, caller.identity, call, caller.request
            )
            payload = Payload(answer.row_id, answer.values, answer.replayed)
            return payload, rider.read(answer.read)
        return None

    async def _act_in_stages(self, caller: Caller, command: Command, told: str) -> Payload:
        assert command.on is not None
        row_id = global_id.decode_as(command.on, told, "id")
        stage = self._runtime.commits.stage(caller.tenant)
        await run_staged(stage, command, caller.identity, row_id, caller.request)
        return Payload(row_id, None, replayed=False)

    async def _payload(
        self,
        caller: Caller,
        registry: Registry,
        question: Question,
        acted: tuple[Chosen, Payload, Read | None],
    ) -> Read:
        chosen, payload, found = acted
        below = chosen.below()
        rows: Mapping[str, bytes] = {}
        errors: list[GraphQLError] = []
        asking = [one for one in below if isinstance(one.meaning, PayloadRow)]
        if payload.row_id is not None and asking:
            question.variables[ROW] = payload.row_id
            try:
                if found is None:
                    part = Part((chosen.key,))
                    found = await self._reads.read(caller, registry, question, part)
                if len(asking) == len(below):
                    return found  # the statement has answered the payload as it is
                rows, errors = _members(found.data), found.errors
            except Exception as error:  # noqa: BLE001 - the command is committed and says so
                errors = [told(one, error) for one in asking]
        members = [(one.key, _member(one, payload, rows)) for one in below]
        return Read(an_object(members), errors)


def told(chosen: Chosen, error: Exception) -> GraphQLError:
    """What went wrong with a field, with its path and places in the document."""
    return GraphQLError(str(error), chosen.nodes, path=chosen.path, original_error=error)


def _member(chosen: Chosen, payload: Payload, rows: Mapping[str, bytes]) -> bytes:
    meaning = chosen.meaning
    if isinstance(meaning, PayloadRow):
        return rows.get(chosen.key, NULL)
    if isinstance(meaning, PayloadReplayed):
        return msgspec.json.encode(payload.replayed)
    if isinstance(meaning, PayloadValue):
        return msgspec.json.encode(plain_object(chosen.below(), payload.values))
    return msgspec.json.encode(chosen.parent)  # __typename


def _members(data: bytes) -> dict[str, bytes]:
    found = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    return {key: bytes(value) for key, value in found.items()}
