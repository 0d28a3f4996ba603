"""One operation run twice: by the system under test and by the plain executor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLError

from jingwei_api.schema.naming import lower_first
from jingwei_sdk.records import Record
from tests.oracle.arguments import CursorOf
from tests.oracle.comparing import Cursors, differences
from tests.oracle.operations import Operation
from tests.oracle.world import Seen

A_PAGE = 100
SHOWN = 8


class Differs(Exception):
    """A list that was walked for its cursors is not that of the plain executor."""


@dataclass
class Equality:
    """Compares answers about one tenant, and remembers the cursors that it was told."""

    seen: Seen
    cursors: Cursors = field(default_factory=Cursors)
    walks: dict[tuple[Any, ...], Sequence[str]] = field(default_factory=dict)

    async def check(self, asked: Operation) -> list[str]:
        """Where the answers differ, with the whole question; empty when they do not."""
        try:
            variables = {name: await self._sent(value) for name, value in asked.variables.items()}
        except Differs as error:
            return [str(error)]
        found = await self.differences(asked, variables)
        if not found:
            return []
        who = f"{self.seen.name}.{asked.login} ({asked.locale})"
        return [who, *found[:SHOWN], asked.document, repr(variables)]

    async def differences(self, asked: Operation, variables: Mapping[str, Any]) -> list[str]:
        """Where the two answers differ."""
        seen = self.seen
        try:
            theirs = await seen.subject.ask(
                seen.accounts[asked.login],
                asked.document,
                variables,
                operation=asked.name,
                locale=asked.locale,
            )
        except Exception as error:  # noqa: BLE001 - whatever escapes is a difference
            return [f"the system failed: {error!r}"]
        result = await seen.plain.run(
            seen.viewer(asked.login, asked.locale),
            asked.document,
            variables,
            operation=asked.name,
            marks=self.cursors.marks,
        )
        errors = [(tuple(error.path or ()), _codes(error)) for error in result.errors or ()]
        ours = {"data": result.data, "errors": errors}
        return list(differences(theirs, ours, self.cursors))

    async def _sent(self, value: Any) -> Any:
        """A variable as it is sent: with the texts of the cursors in it."""
        if isinstance(value, CursorOf):
            return await self._cursor(value)
        return value

    async def _cursor(self, wanted: CursorOf) -> str:
        record = self.seen.registry.record(wanted.record)
        key = (wanted.login, wanted.record, wanted.full_order(record))
        if key not in self.walks:
            self.walks[key] = await self._walk(record, wanted)
        texts = self.walks[key]
        if not texts:
            return ""
        text = texts[wanted.position % len(texts)]
        if not wanted.spoilt:
            return text
        at = wanted.position % len(text)
        return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]

    async def _walk(self, record: Record, wanted: CursorOf) -> Sequence[str]:
        """The cursors of a whole list, page by page; each page is compared as well."""
        path = self.seen.path_of(record)
        arguments = ["first: $first", "after: $after"]
        order = f"[{lower_first(record.name)[:1].upper()}{record.name[1:]}Order!]"
        arguments.append("orderBy: $order")
        asked = f"{path[-1]}({', '.join(arguments)}) {{ edges {{ cursor node {{ id }} }} }}"
        for step in reversed(path[:-1]):
            asked = f"{step} {{ {asked} }}"
        document = f"query Walk($first: Int, $after: String, $order: {order}) {{ {asked} }}"
        found: list[str] = []
        while True:
            after = found[-1] if found else None
            given = {"first": A_PAGE, "after": after, "order": list(wanted.order)}
            operation = Operation(wanted.login, "zh", document, given)
            different = await self.differences(operation, given)
            if different:
                raise Differs(f"{operation}\n{different[:SHOWN]}")
            answer: Any = await self.seen.subject.ask(
                self.seen.accounts[wanted.login], document, given
            )
            told = answer["data"]
            for step in path:
                told = (told or {}).get(step)
            texts = [edge["cursor"] for edge in told["edges"]] if told else []
            found += texts
            if len(texts) < A_PAGE:
                return found


def _codes(error: GraphQLError) -> list[str]:
    codes = (error.extensions or {}).get("codes")
    if codes is None:
        raise AssertionError(f"the plain executor failed: {error!r}") from error.original_error
    return list(codes)
