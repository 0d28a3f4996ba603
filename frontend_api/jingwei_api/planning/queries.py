"""Queries (查询执行): one statement, and what the schema tells about itself beside it."""

import msgspec

from jingwei_api.execution.operation import Caller
from jingwei_api.planning.answers import an_object
from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.introspecting import Introspection
from jingwei_api.planning.plans import Question, chosen_at
from jingwei_api.planning.reads import Read, Reads
from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.registry import Registry


class Queries:
    """Runs the queries of one process."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._introspection = Introspection()

    def forget(self, index: SchemaIndex) -> None:
        """Let go of what was worked out for one schema."""
        self._reads.plans.forget(index)
        self._introspection.forget(index)

    async def run(
        self, caller: Caller, registry: Registry, question: Question, mind: Mind = of_no_concern
    ) -> Read:
        """What a query asks for; ``mind`` is told what the caller may do before it is read.

        A query about the schema alone sends a statement as well: it says whether the caller may
        still ask.
        """
        read = await self._reads.read(caller, registry, question, mind=mind)
        if not question.operation.introspects:
            return read
        chosen = chosen_at(question)
        told, errors = await self._introspection.told(question, chosen)
        rows = msgspec.json.decode(read.data, type=dict[str, msgspec.Raw])
        members = [
            (one.key, told[one.key] if one.key in told else bytes(rows[one.key])) for one in chosen
        ]
        return Read(an_object(members), [*read.errors, *errors])
