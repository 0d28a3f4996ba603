"""Selections in the hands of one account: compiled, run, and read back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_core.reading.compiled import NOTHING_KNOWN, Compiled, Little
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.selection import (
    Asked,
    Column,
    Cursor,
    EdgeNode,
    Edges,
    Group,
    Page,
    PageInfo,
    RootField,
    RowField,
    Value,
    Wanted,
)
from jingwei_core.session import CoreContext, Request, account_context
from jingwei_sdk.records import Record
from tests.core.runtime.city import City

SECRET = b"secret of the tests"
INFO = PageInfo(
    "pageInfo",
    (
        ("hasNextPage", "has_next_page"),
        ("hasPreviousPage", "has_previous_page"),
        ("startCursor", "start_cursor"),
        ("endCursor", "end_cursor"),
    ),
)


def asked_by(ctx: CoreContext, variables: Mapping[str, Any]) -> Asked:
    """What the account of a context brings."""
    now = ctx.clock.now()
    return Asked(ctx.tenant, ctx.actor, ctx.permissions, now, ctx.locale, variables)


async def text_of(ctx: CoreContext, compiled: Compiled, asked: Asked) -> str:
    """The JSON of a statement, run in the unit of a context."""
    policy = await ctx.unit.fetchval("SELECT coalesce((SELECT number FROM core.policy_version), 0)")
    stamp = (str(ctx.tenant.id), ctx.actor.account_id, 0, policy)
    found = await ctx.unit.fetchval(compiled.sql, *stamp, *compiled.arguments(asked))
    assert found is not None, "stale"
    return bytes(found).decode()


async def answer(ctx: CoreContext, *fields: RootField) -> Any:
    """What the account of a context is answered."""
    compiled = compile_read(ctx.registry, Group("", fields), ctx.permissions, SECRET)
    return json.loads(await text_of(ctx, compiled, asked_by(ctx, {})))


@dataclass
class Desk:
    """The compiler in the hands of one account."""

    city: City
    who: str
    ctx: CoreContext

    def record(self, name: str) -> Record:
        return self.ctx.registry.record(name)

    def asked(self, **variables: Any) -> Asked:
        return asked_by(self.ctx, variables)

    def compiled(self, *fields: RootField, little: Little = NOTHING_KNOWN) -> Compiled:
        root = Group("", fields)
        return compile_read(self.ctx.registry, root, self.ctx.permissions, SECRET, little)

    async def text(self, compiled: Compiled, **variables: Any) -> str:
        return await text_of(self.ctx, compiled, self.asked(**variables))

    async def read(self, *fields: RootField, **variables: Any) -> Any:
        return json.loads(await self.text(self.compiled(*fields), **variables))


def open_desk(city: City, who: str) -> Any:
    """A context of the account; ``desk`` makes a :class:`Desk` of it."""
    return account_context(city.platform, city.tenant, city.identity(who), Request())


def listed(record: Record, *fields: RowField, wanted: Wanted | None = None) -> Page:
    """A page with cursors and page information."""
    edges = Edges("edges", (Cursor("cursor"), EdgeNode("node", fields)))
    return Page("list", record, wanted or Wanted(), (edges, INFO))


def named(record: Record, wanted: Wanted | None = None) -> Page:
    """A page of names."""
    return listed(record, Column("name", "name"), wanted=wanted)


def names_of(page: Any) -> list[str]:
    return [edge["node"]["name"] for edge in page["edges"]]


def constant(value: Any) -> Value:
    """A parameter that is the same for every request."""
    return Value(lambda asked: value)
