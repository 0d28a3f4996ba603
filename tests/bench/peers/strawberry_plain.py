"""Strawberry as its documentation shows it: resolvers, data loaders, asyncpg; bare ASGI, uvicorn.

    BENCH_DATABASE_URL=… BENCH_CONNECTIONS=16 [BENCH_CACHED=1] uvicorn …strawberry_plain:app

It is handed the tenant by a header. Each request is one transaction on one connection; what a level
of the answer needs is fetched with one statement.
"""

import asyncio
import json
import os
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import strawberry
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.extensions.base_extension import SchemaExtension

Rows = Sequence[Any]
Info = strawberry.Info["Loaders", None]


class Loaders:
    """The connection of a request, and its loaders."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        # Loaders of one level start together; a connection does one thing at a time.
        self._turn = asyncio.Lock()
        self.places = self._one("SELECT id, name FROM core.place WHERE id = ANY($1)")
        self.accounts = self._one("SELECT id, name FROM core.account WHERE id = ANY($1)")
        self.photos = self._one(
            "SELECT id, content_type, size_bytes, width, height FROM core.evidence"
            " WHERE id = ANY($1)"
        )
        self.steps = self._many(
            "SELECT event, sequence, action, from_state, to_state, actor_name, note, at"
            " FROM core.event_step WHERE event = ANY($1) ORDER BY event, sequence"
        )
        self.links = self._many(
            "SELECT event, id, phase, evidence FROM core.step_evidence"
            " WHERE event = ANY($1) ORDER BY event, id"
        )

    def _one(self, sql: str) -> DataLoader[uuid.UUID, Any]:
        async def load(keys: list[uuid.UUID]) -> Rows:
            async with self._turn:
                found = {row["id"]: row for row in await self.connection.fetch(sql, keys)}
            return [found.get(key) for key in keys]

        return DataLoader(load)

    def _many(self, sql: str) -> DataLoader[uuid.UUID, Rows]:
        async def load(keys: list[uuid.UUID]) -> list[Rows]:
            found: dict[uuid.UUID, list[Any]] = {key: [] for key in keys}
            async with self._turn:
                rows = await self.connection.fetch(sql, keys)
            for row in rows:
                found[row["event"]].append(row)
            return [found[key] for key in keys]

        return DataLoader(load)


@strawberry.type
class Named:
    """A place or an account."""

    id: uuid.UUID
    name: str


@strawberry.type
class Step:
    """An entry of a timeline."""

    sequence: int
    action: str
    from_state: str | None
    to_state: str
    actor_name: str
    note: str
    at: datetime


@strawberry.type
class Photo:
    """What is known of a photo."""

    id: uuid.UUID
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None


@strawberry.type
class Link:
    """A photo of an event."""

    id: uuid.UUID
    phase: str
    photo: strawberry.Private[uuid.UUID]

    @strawberry.field
    async def evidence(self, info: Info) -> Photo | None:
        """The photo."""
        row = await info.context.photos.load(self.photo)
        return None if row is None else Photo(**row)


@strawberry.type
class Event:
    """An event with what hangs on it."""

    id: uuid.UUID
    number: str
    title: str
    description: str
    state: str
    source: str
    is_final: bool
    created_at: datetime
    state_due_at: datetime | None
    due_at: datetime | None
    place_id: strawberry.Private[uuid.UUID]
    reporter_id: strawberry.Private[uuid.UUID | None]

    @strawberry.field
    async def place(self, info: Info) -> Named | None:
        """Its grid."""
        return _named(await info.context.places.load(self.place_id))

    @strawberry.field
    async def reporter(self, info: Info) -> Named | None:
        """Who reported it."""
        if self.reporter_id is None:
            return None
        return _named(await info.context.accounts.load(self.reporter_id))

    @strawberry.field
    async def steps(self, info: Info, first: int) -> list[Step]:
        """Its timeline."""
        rows = await info.context.steps.load(self.id)
        return [Step(**{k: v for k, v in r.items() if k != "event"}) for r in rows[:first]]

    @strawberry.field
    async def evidence(self, info: Info, first: int) -> list[Link]:
        """Its photos."""
        rows = await info.context.links.load(self.id)
        return [Link(id=r["id"], phase=r["phase"], photo=r["evidence"]) for r in rows[:first]]


@strawberry.type
class Count:
    """How many events of a kind are in a state."""

    state: str
    kind: uuid.UUID
    number: int


_EVENT = (
    "SELECT id, number, title, description, state, source, is_final, created_at, state_due_at,"
    " due_at, place_id, reporter AS reporter_id FROM core.event"
)


@strawberry.type
class Query:
    """What may be asked."""

    @strawberry.field
    async def events(self, info: Info, low: str, high: str, first: int) -> list[Event]:
        """The newest in an area."""
        rows = await info.context.connection.fetch(
            f"{_EVENT} WHERE place_path >= $1 AND place_path < $2"
            " ORDER BY created_at DESC, id DESC LIMIT $3",
            *(low, high, first),
        )
        return [Event(**row) for row in rows]

    @strawberry.field
    async def event(self, info: Info, id: uuid.UUID) -> Event | None:  # noqa: A002 - GraphQL's
        """One event."""
        row = await info.context.connection.fetchrow(f"{_EVENT} WHERE id = $1", id)
        return None if row is None else Event(**row)

    @strawberry.field
    async def counts(self, info: Info, low: str, high: str) -> list[Count]:
        """Events in an area by state and kind."""
        rows = await info.context.connection.fetch(
            "SELECT state, kind, count(*) AS number FROM core.event"
            " WHERE place_path >= $1 AND place_path < $2 GROUP BY state, kind",
            *(low, high),
        )
        return [Count(**row) for row in rows]


@strawberry.input
class NewEvent:
    """An event to store."""

    number: str
    kind: uuid.UUID
    workflow: uuid.UUID
    title: str
    description: str
    place: uuid.UUID
    reporter: uuid.UUID


@strawberry.type
class Mutation:
    """What may be done."""

    @strawberry.mutation
    async def create(self, info: Info, event: NewEvent) -> Event:
        """Store an event and the first entry of its timeline."""
        connection = info.context.connection
        row = await connection.fetchrow(
            "INSERT INTO core.event (number, kind, workflow, state, title, description, place_id,"
            " reporter, state_since) VALUES ($1, $2, $3, 'registered', $4, $5, $6, $7, now())"
            " RETURNING id, number, title, description, state, source, is_final, created_at,"
            " state_due_at, due_at, place_id, reporter AS reporter_id",
            *(event.number, event.kind, event.workflow, event.title, event.description),
            *(event.place, event.reporter),
        )
        await connection.execute(
            "INSERT INTO core.event_step (event, sequence, action, to_state, actor, note, at)"
            " VALUES ($1, 1, 'register', 'registered', $2, $3, now())",
            *(row["id"], event.reporter, event.description),
        )
        return Event(**row)


def _named(row: Any) -> Named | None:
    return None if row is None else Named(id=row["id"], name=row["name"])


def _extensions() -> list[Callable[[], SchemaExtension]]:
    if not os.environ.get("BENCH_CACHED"):
        return []
    return [lambda: ParserCache(maxsize=100), lambda: ValidationCache(maxsize=100)]


schema = strawberry.Schema(query=Query, mutation=Mutation, extensions=_extensions())


@dataclass
class Application:
    """An ASGI application of one address."""

    pool: Any = None

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            body = b""
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
            status, answer = await self._answer(dict(scope["headers"]), body)
            head = [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(answer)),
            ]
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": answer})

    async def _answer(self, headers: dict[bytes, bytes], body: bytes) -> tuple[int, bytes]:
        if not body:
            return 405, b"{}"
        asked = json.loads(body)
        async with self.pool.acquire() as connection, connection.transaction():
            tenant = headers[b"x-bench-tenant"].decode()
            await connection.execute("SELECT set_config('app.tenant', $1, true)", tenant)
            result = await schema.execute(
                asked["query"],
                variable_values=asked.get("variables"),
                context_value=Loaders(connection),
            )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return 200, json.dumps(answer, ensure_ascii=False).encode()

    async def _live(
        self,
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                size = int(os.environ["BENCH_CONNECTIONS"])
                self.pool = await asyncpg.create_pool(
                    os.environ["BENCH_DATABASE_URL"], min_size=size, max_size=size, reset=_kept
                )
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.pool.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


async def _kept(_connection: Any) -> None:
    """A transaction leaves nothing behind, so nothing has to be reset."""


app = Application()
