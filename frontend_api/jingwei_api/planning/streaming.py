"""Streaming (变更推送): each change of a subscription as an answer of its own."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec

from jingwei_api.execution.changes import Notice, Watch
from jingwei_api.execution.operation import Operation
from jingwei_api.planning.answers import an_object
from jingwei_api.planning.building import told
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.plans import Part, Question, chosen_at
from jingwei_api.planning.reads import Read, Reads
from jingwei_api.planning.roots import ROW
from jingwei_api.schema.meanings import ChangePart
from jingwei_core.registry import Registry


class Streams:
    """Runs the subscriptions of one process."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def changes(
        self, operation: Operation, question: Question, watch: Watch
    ) -> AsyncIterator[Read]:
        """The changes in the caller's area, until the session ends.

        Raises what ``ChangeFeed.follow`` raises.
        """
        (chosen,) = chosen_at(question)
        notices: Any = operation.follow(watch)
        async with aclosing(notices):
            async for notice in notices:
                # Nothing is held while the answer is read and while the consumer has it.
                await operation.close()
                yield await self._change(operation, question, chosen, notice)

    async def _change(
        self, operation: Operation, question: Question, chosen: Chosen, notice: Notice
    ) -> Read:
        members: list[tuple[str, bytes]] = []
        found = Read(b"{}", [])
        if any(_is_node(one) for one in chosen.below()):
            question.variables[ROW] = notice.row_id
            part = Part((chosen.key,), notice.record)
            found = await self._reads.read(operation.caller, operation.registry, question, part)
        rows = msgspec.json.decode(found.data, type=dict[str, msgspec.Raw])
        for one in chosen.below():
            value = bytes(rows[one.key]) if _is_node(one) else _about(one, notice)
            members.append((one.key, value))
        return Read(an_object([(chosen.key, an_object(members))]), found.errors)


def watch_of(registry: Registry, question: Question) -> Watch:
    """What a subscription asks to be told about; raises what ``Watch.of`` raises."""
    (chosen,) = chosen_at(question)
    given = question.variables
    under, records = (told(chosen.input(name), given) for name in ("under", "records"))
    return Watch.of(registry, under, records)


def _is_node(chosen: Chosen) -> bool:
    return isinstance(chosen.meaning, ChangePart) and chosen.meaning.part == "node"


def _about(chosen: Chosen, notice: Notice) -> bytes:
    if not isinstance(chosen.meaning, ChangePart):
        return msgspec.json.encode(chosen.parent)  # __typename
    about = {"record": notice.record, "id": notice.global_id, "at": notice.at.isoformat()}
    return msgspec.json.encode(about[chosen.meaning.part])
