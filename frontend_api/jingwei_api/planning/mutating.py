"""Mutating (变更执行): commands one after another, and what each one's payload asks for.

A payload's row is read as the caller would read it in the next request: with the command where
that can be, and else after the commit. What goes wrong with one command is told at its field; the
next one is run all the same. Only limits that do not hold any more end the whole, as long as
nothing of it is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from graphql import GraphQLError

from jingwei_api.execution.operation import Caller, Runtime
from jingwei_api.limits.gate import TooMuch
from jingwei_api.planning.answers import an_object
from jingwei_api.planning.arguments import given_to
from jingwei_api.planning.batching import Batches
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.plain import plain_object
from jingwei_api.planning.plans import Part, Question, chosen_at
from jingwei_api.planning.reads import Read, Reads
from jingwei_api.planning.riding import Rider
from jingwei_api.planning.roots import ROW
from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    BatchField,
    CommandField,
    PayloadReplayed,
    PayloadRow,
    PayloadValue,
)
from jingwei_api.schema.mutations import Payload, call_of
from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.commands import bus
from jingwei_core.commands.staging import run_staged
from jingwei_core.registry import Registry
from jingwei_sdk.commands import Command

NULL = b"null"


@dataclass(slots=True)
class _Running:
    """One mutation; ``mind`` may refuse it until something of it is written."""

    caller: Caller
    registry: Registry
    question: Question
    mind: Mind


class Mutations:
    """Runs the mutations of one process."""

    def __init__(self, runtime: Runtime, reads: Reads) -> None:
        self._runtime = runtime
        self._reads = reads
        self._batches = Batches(runtime)

    async def run(
        self, caller: Caller, registry: Registry, question: Question, mind: Mind = of_no_concern
    ) -> Read:
        """Run the commands of a mutation in their order; answers their payloads.

        ``mind`` is told what the caller may do before anything is written, and what it raises of
        the limits (``TooMuch``) is raised.
        """
        running = _Running(caller, registry, question, mind)
        members: list[tuple[str, bytes]] = []
        errors: list[GraphQLError] = []
        for chosen in chosen_at(question):
            found = await self._field(running, chosen)
            members.append((chosen.key, found.data))
            errors += found.errors
        return Read(an_object(members), errors)

    async def _field(self, running: _Running, chosen: Chosen) -> Read:
        try:
            if isinstance(chosen.meaning, BatchField):
                return await self._batch(running, chosen)
            if not isinstance(chosen.meaning, CommandField):
                return Read(msgspec.json.encode(chosen.parent), [])  # __typename
            payload, found = await self._act(running, chosen, chosen.meaning.command)
            running.mind = of_no_concern
            return await self._payload(running, chosen, payload, found)
        except TooMuch:
            raise
        except GraphQLError as error:
            return Read(NULL, [GraphQLError(error.message, chosen.nodes, path=chosen.path)])
        except Exception as error:  # noqa: BLE001 - the dispatcher of commands: one told, all run
            return Read(NULL, [told(chosen, error)])

    async def _act(
        self, running: _Running, chosen: Chosen, command: Command
    ) -> tuple[Payload, Read | None]:
        """Run the command; its answer, and what of it is read already."""
        given = given_to(chosen, running.question.variables)
        if command.staged is not None:
            return await self._act_in_stages(running, command, given["id"]), None
        caller, registry = running.caller, running.registry
        rider = Rider(self._reads, caller, registry, (running.question, chosen))
        call = call_of(command, given, rider.along, running.mind)
        platform = self._runtime.platform
        answer = await bus.execute(platform, caller.tenant, caller.identity, call, caller.request)
        payload = Payload(answer.row_id, answer.values, answer.replayed)
        return payload, rider.read(answer.read)

    async def _batch(self, running: _Running, chosen: Chosen) -> Read:
        question = running.question
        given = given_to(chosen, question.variables)
        index = question.operation.index
        values = await self._batches.run(running.caller, index, given, running.mind)
        running.mind = of_no_concern
        payload = Payload(None, values, replayed=False)
        return await self._payload(running, chosen, payload, None)

    async def _act_in_stages(self, running: _Running, command: Command, told: str) -> Payload:
        assert command.on is not None
        row_id = global_id.decode_as(command.on, told, "id")
        caller = running.caller
        stage = self._runtime.commits.stage(caller.tenant, running.mind)
        await run_staged(stage, command, caller.identity, row_id, caller.request)
        return Payload(row_id, None, replayed=False)

    async def _payload(
        self, running: _Running, chosen: Chosen, payload: Payload, found: Read | None
    ) -> Read:
        below = chosen.below()
        rows: Mapping[str, bytes] = {}
        errors: list[GraphQLError] = []
        asking = [one for one in below if isinstance(one.meaning, PayloadRow)]
        if payload.row_id is not None and asking:
            question = running.question
            question.variables[ROW] = payload.row_id
            try:
                if found is None:
                    part = Part((chosen.key,))
                    found = await self._reads.read(running.caller, running.registry, question, part)
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
