"""Streaming (变更推送): each change of a subscription as an answer of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
from graphql import OperationDefinitionNode, parse
from msgspec.structs import replace

from jingwei_api.execution.audience import Follower
from jingwei_api.execution.changes import ChangeFeed, covers
from jingwei_api.execution.notices import Notice, Watch
from jingwei_api.execution.operation import Caller
from jingwei_api.planning.answers import an_object
from jingwei_api.planning.building import told
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.documents import PreparedOperation
from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.plans import Part, Question, chosen_at
from jingwei_api.planning.reads import Read, Reads
from jingwei_api.planning.recent import Recent
from jingwei_api.planning.roots import ROW
from jingwei_api.schema.meanings import ChangePart
from jingwei_core.registry import Registry
from jingwei_sdk.errors import Denied

_SIGHT = "subscription {{ {name} {{ node {{ id }} }} }}"
"""What is read of a change where a subscriber asks for nothing of its row: whether it is there."""


class Streams:
    """Runs the subscriptions of one process."""

    def __init__(self, reads: Reads, feed: ChangeFeed) -> None:
        self._reads = reads
        self._feed = feed
        self._sights: Recent[tuple[SchemaIndex, str], PreparedOperation] = Recent(64)

    async def changes(
        self, caller: Caller, registry: Registry, question: Question, watch: Watch
    ) -> AsyncIterator[Read]:
        """The changes in the caller's area, until the session ends.

        Raises what ``ChangeFeed.follow`` raises, and ``Denied`` (``PERMISSION_DENIED``) to who may
        read no row of the record that is followed. Nothing is held between changes.
        """
        (chosen,) = chosen_at(question)
        record = chosen.meaning.subscription.record
        if record is not None:
            access = await self._reads.access(caller)
            if not access.permissions.allows(record.read):
                raise Denied("PERMISSION_DENIED", permission=record.read)
        follower = Follower(registry, caller.tenant.id, caller.identity, watch)
        follower.ends_at = caller.ends_at
        batches: Any = self._feed.follow(follower)
        async with aclosing(batches):
            async for notices in batches:
                # Side by side, for whoever sees much would fall behind one after the other.
                reads = await asyncio.gather(
                    *(self._change(caller, registry, question, (chosen, one)) for one in notices)
                )
                for read in reads:
                    if read is not None:
                        yield read

    async def _change(
        self, caller: Caller, registry: Registry, question: Question, told: tuple[Chosen, Notice]
    ) -> Read | None:
        """The answer of a change; ``None`` when it is not in the caller's sight."""
        chosen, notice = told
        nodes = {one.key for one in chosen.below() if _is_node(one)}
        name = chosen.told.name
        asked = question if nodes else self._sight(question, name)
        asked = replace(asked, variables={**asked.variables, ROW: notice.row_id})
        part = Part((chosen.key if nodes else name,), notice.record)
        found = await self._reads.read(caller, registry, asked, part)
        rows = msgspec.json.decode(found.data, type=dict[str, msgspec.Raw])
        if all(bytes(rows[key]) == b"null" for key in nodes or ("node",)):
            access = await self._reads.access(caller)
            if not covers(registry.records[notice.record], access, notice):
                return None
        members = [
            (one.key, bytes(rows[one.key]) if _is_node(one) else _about(one, notice))
            for one in chosen.below()
        ]
        return Read(an_object([(chosen.key, an_object(members))]), found.errors)

    def _sight(self, question: Question, name: str) -> Question:
        index = question.operation.index
        prepared = self._sights.get((index, name))
        if prepared is None:
            document = parse(_SIGHT.format(name=name))
            (node,) = document.definitions
            assert isinstance(node, OperationDefinitionNode)
            prepared = self._sights.keep(
                (index, name), PreparedOperation(index, node, document, {})
            )
        return Question.of(prepared, {})


def watch_of(registry: Registry, question: Question) -> Watch:
    """What a subscription asks to be told about; raises what ``Watch.of`` raises."""
    (chosen,) = chosen_at(question)
    given = question.variables
    under, records = (told(chosen.input(name), given) for name in ("under", "records"))
    record = chosen.meaning.subscription.record
    if record is not None:
        records = [record.name]
    return Watch.of(registry, under, records)


def _is_node(chosen: Chosen) -> bool:
    return isinstance(chosen.meaning, ChangePart) and chosen.meaning.part == "node"


def _about(chosen: Chosen, notice: Notice) -> bytes:
    if not isinstance(chosen.meaning, ChangePart):
        return msgspec.json.encode(chosen.parent)  # __typename
    about = {"record": notice.record, "id": notice.global_id, "at": notice.at.isoformat()}
    return msgspec.json.encode(about[chosen.meaning.part])
