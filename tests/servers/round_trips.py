"""Counting round trips (往返): what is sent to the database while a block runs.

    with round_trips() as trips:
        ...
    assert len(trips.sent) <= 4

Each entry is one message to the server and its answer; a message of several statements is one
entry. A statement that a connection meets for the first time costs one more trip, for preparing
it: run the block once before counting.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from jingwei_core.database.connections import Connections


@dataclass(eq=False)
class Trips:
    """The messages sent, in order."""

    sent: list[str] = field(default_factory=list)

    def __call__(self, logged: Any) -> None:
        self.sent.append(" ".join(str(logged.query).split()))

    async def settled(self) -> list[str]:
        """The messages, once the connections have told of the last one."""
        await asyncio.sleep(0)
        return self.sent


@contextmanager
def round_trips() -> Iterator[Trips]:
    """Count on every pooled connection that is taken while the block runs."""
    trips = Trips()
    taken: list[Any] = []
    original = Connections.lend

    async def lend(connections: Connections) -> Any:
        proxy = await original(connections)
        if all(proxy._con is not connection for connection in taken):
            taken.append(proxy._con)
            proxy._con.add_query_logger(trips)
        return proxy

    Connections.lend = lend  # type: ignore[method-assign,assignment]
    try:
        yield trips
    finally:
        Connections.lend = original  # type: ignore[method-assign]
        for connection in taken:
            connection.remove_query_logger(trips)
