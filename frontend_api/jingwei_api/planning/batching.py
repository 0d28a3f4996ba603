"""Batches (离线批次执行): what a device did offline, each as the mutation that it would have been.

An action is coerced by the very types of the mutation that it names and run by the same bus, in a
transaction of its own. What the batch costs is charged with the field, as if it were full.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from graphql import GraphQLNonNull

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.operation import Caller, Runtime
from jingwei_api.limits.gate import TooMuch
from jingwei_api.planning.index import FieldOf, SchemaIndex
from jingwei_api.planning.variables import checker
from jingwei_api.schema import global_id
from jingwei_api.schema.inputs import struct_value
from jingwei_api.schema.meanings import CommandField
from jingwei_api.schema.mutations import call_of
from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.commands import bus
from jingwei_core.offline.batch import (
    HeldRows,
    NotYet,
    OfflineAction,
    OfflineAnswer,
    OfflineBatch,
    OfflineOutcome,
    OfflineStatus,
    check_batch,
    check_time,
    with_rows,
)
from jingwei_core.session import account_context
from jingwei_sdk.commands import Command
from jingwei_sdk.errors import Conflict, Denied, Invalid, JingweiError, NotFound, Unauthenticated

KEY = "idempotencyKey"


@dataclass
class _Batch:
    """A batch being run: the rows that its actions answered, by their keys."""

    caller: Caller
    index: SchemaIndex
    mind: Mind
    rows: dict[str, str | None] = field(default_factory=dict)
    is_over: bool = False
    """Whether nothing more is tried: the rest comes with the next batch, in its order."""


class Batches:
    """Runs the batches of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._platform = runtime.platform
        self._texts = ErrorTexts(runtime.platform.catalogue)

    async def run(
        self, caller: Caller, index: SchemaIndex, given: Mapping[str, Any], mind: Mind
    ) -> Mapping[str, Any]:
        """Run the actions in their order; the values of an :class:`OfflineAnswer`.

        Raises ``Invalid`` for a batch that is not sound as a whole, before anything is done.
        """
        batch = struct_value(OfflineBatch, given["input"])
        assert isinstance(batch, OfflineBatch)
        check_batch(batch)
        held = [(rows.record, _ids(number, rows)) for number, rows in enumerate(batch.held)]
        running = _Batch(caller, index, mind)
        outcomes = [await self._outcome(running, action) for action in batch.actions]
        left = [told for record, ids in held for told in await self._left(caller, record, ids)]
        answer: Mapping[str, Any] = msgspec.to_builtins(OfflineAnswer(tuple(outcomes), tuple(left)))
        return answer

    async def _outcome(self, batch: _Batch, action: OfflineAction) -> OfflineOutcome:
        batch.rows[action.key] = None
        if batch.is_over:
            return OfflineOutcome(action.key, OfflineStatus.LATER)
        try:
            command, answer = await self._do(batch, action)
        except NotYet:
            return OfflineOutcome(action.key, OfflineStatus.SKIPPED)
        except JingweiError as error:
            status = _status_of(error)
            batch.is_over = status is OfflineStatus.LATER
            return self._refused(batch.caller, action, status, error)
        except TooMuch:
            raise
        except Exception as error:  # noqa: BLE001 - one action's fault is not the next one's
            return self._failed(batch.caller, action, error)
        batch.mind = of_no_concern
        row = None
        if answer.row_id is not None and command.returns is not None:
            row = global_id.encode(command.returns.name, answer.row_id)
        batch.rows[action.key] = row
        status = OfflineStatus.REPLAYED if answer.replayed else OfflineStatus.APPLIED
        return OfflineOutcome(action.key, status, row)

    async def _do(self, batch: _Batch, action: OfflineAction) -> tuple[Command, bus.Answer]:
        check_time(action, self._platform.clock.now())
        told = _mutation(batch.index, action.mutation)
        command: Command = told.meaning.command
        given = _arguments(batch.index, told, with_rows(action.arguments, batch.rows))
        call = call_of(command, {**given, "idempotency_key": action.key}, mind=batch.mind)
        caller = batch.caller
        request = msgspec.structs.replace(caller.request, happened_at=action.happened_at)
        asked = (caller.tenant, caller.identity, call, request)
        return command, await bus.execute(self._platform, *asked)

    def _refused(
        self, caller: Caller, action: OfflineAction, status: OfflineStatus, error: JingweiError
    ) -> OfflineOutcome:
        request = caller.request
        told = self._texts.describe(error, request.locale, request.request_id)
        beside = told["extensions"]
        field_name, next_step = beside.get("field"), beside.get("nextStep")
        row = action.arguments.get("id") if status is OfflineStatus.CONFLICT else None
        return OfflineOutcome(
            action.key,
            status,
            row if isinstance(row, str) else None,
            error.code,
            told["message"],
            field_name,
            next_step,
        )

    def _failed(self, caller: Caller, action: OfflineAction, error: Exception) -> OfflineOutcome:
        request = caller.request
        told = self._texts.internal(error, request.locale, request.request_id)
        status, beside = OfflineStatus.REFUSED, told["extensions"]
        return OfflineOutcome(
            action.key,
            status,
            code=beside["code"],
            message=told["message"],
            next_step=beside.get("nextStep"),
        )

    async def _left(self, caller: Caller, record: str, ids: Sequence[uuid.UUID]) -> list[str]:
        """Those of the rows that are out of the caller's sight, as global ids."""
        async with account_context(
            self._platform, caller.tenant, caller.identity, caller.request
        ) as ctx:
            try:
                seen = await ctx.records.many(ctx, record, ids)
            except Denied:
                seen = {}
        return [global_id.encode(record, row_id) for row_id in ids if row_id not in seen]


def _mutation(index: SchemaIndex, name: str) -> FieldOf:
    """The mutation of a name; raises ``Invalid`` (``OFFLINE_MUTATION``) for what no batch takes:
    what is not there, what is done in stages and what shows a secret."""
    kind = index.schema.mutation_type
    told = index.field(kind, name) if kind is not None and name in kind.fields else None
    if told is None or not isinstance(told.meaning, CommandField):
        raise Invalid("OFFLINE_MUTATION", field="mutation", mutation=name)
    command = told.meaning.command
    if command.staged is not None or command.reveals is not None:
        raise Invalid("OFFLINE_MUTATION", field="mutation", mutation=name)
    return told


def _arguments(index: SchemaIndex, told: FieldOf, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments by their Python names; raises ``Invalid`` (``OFFLINE_ARGUMENTS``) with the
    argument that does not fit."""
    unknown = sorted(set(given) - set(told.arguments) | set(given) & {KEY})
    if unknown:
        raise Invalid("OFFLINE_ARGUMENTS", field=f"arguments.{unknown[0]}", cause="unknown")
    found: dict[str, Any] = {}
    for name, declared in told.arguments.items():
        if name == KEY:
            continue
        if name not in given:
            if isinstance(declared.told.type, GraphQLNonNull):
                raise Invalid("OFFLINE_ARGUMENTS", field=f"arguments.{name}", cause="missing")
            continue
        try:
            found[declared.python] = checker(index, declared.told.type)(given[name])
        except Exception as error:
            cause = str(error)[:200]
            raise Invalid("OFFLINE_ARGUMENTS", field=f"arguments.{name}", cause=cause) from error
    return found


def _ids(number: int, held: HeldRows) -> list[uuid.UUID]:
    where = f"input.held[{number}].ids"
    return [global_id.decode_as(held.record, told, where) for told in held.ids]


def _status_of(error: JingweiError) -> OfflineStatus:
    if error.retryable or isinstance(error, Unauthenticated):
        return OfflineStatus.LATER
    if isinstance(error, Conflict | NotFound):
        return OfflineStatus.CONFLICT
    return OfflineStatus.REFUSED
