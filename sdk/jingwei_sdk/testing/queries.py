"""Counting statements (查询计数): a plugin that asks the database once for each row is found here.

::

    async def test_the_list_is_one_statement(query_counts, jingwei_city, jingwei_client):
        caller = await jingwei_city.as_role("worker")

        async def ask() -> None:
            await jingwei_client.data(caller, "{ roadLamp { lamps { edges { node { code } } } } }")

        async with query_counts("RoadLamp"):
            await ask()
        await query_counts.same_when_doubled(ask, more=plant_lamps)

The numbers lie in ``query_counts.json`` beside the test, by the name of the record that is listed;
``--update-baselines`` writes them. More statements than the baseline fail the test, and so do
fewer: the file says what is true.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from jingwei_sdk.testing.contract import Scene, Sent

BASELINES = "query_counts.json"

Act = Callable[[], Awaitable[object]]


class QueryCounts:
    """Counts the statements of blocks; the fixture ``query_counts`` of one test."""

    def __init__(self, scene: Scene, file: Path, *, is_updating: bool) -> None:
        self._scene = scene
        self._file = file
        self._is_updating = is_updating

    @asynccontextmanager
    async def __call__(self, name: str) -> AsyncIterator[Sent]:
        """Count the statements of the block, and compare with the baseline of this name.

        An ``AssertionError`` lists them when the number is another, or not known yet.
        """
        with self._scene.counting() as sent:
            yield sent
        self._compare(name, sent)

    @contextmanager
    def counting(self) -> Iterator[Sent]:
        """Count without a baseline."""
        with self._scene.counting() as sent:
            yield sent

    async def same_when_doubled(self, act: Act, *, more: Act) -> int:
        """Act, put in as much again with ``more``, act once more: the statements must be as many.

        Returns how many. An ``AssertionError`` lists those of the second time when they are more.
        """
        await act()  # the first time, statements are prepared and plans are made
        with self._scene.counting() as before:
            await act()
        await more()
        await act()
        with self._scene.counting() as after:
            await act()
        count, doubled = len(before.statements), len(after.statements)
        told = "\n".join(after.statements)
        assert doubled <= count, f"{count} statements, with more rows {doubled}:\n{told}"
        return count

    def _compare(self, name: str, sent: Sent) -> None:
        known = self._known()
        count = len(sent.statements)
        if self._is_updating:
            written = json.dumps({**known, name: count}, indent=2, sort_keys=True)
            self._file.write_text(written + "\n", encoding="utf-8")
            return
        told = "\n".join(sent.statements)
        assert name in known, f"no baseline {name!r}: run with --update-baselines\n{told}"
        assert count == known[name], f"{name!r}: {count} statements, {known[name]} known:\n{told}"

    def _known(self) -> dict[str, int]:
        if not self._file.is_file():
            return {}
        found: dict[str, int] = json.loads(self._file.read_text(encoding="utf-8"))
        return found
