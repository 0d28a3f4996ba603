"""The change feed when followers come and go, and when something is broken."""

import asyncio
import types
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
from graphql import GraphQLError
from structlog.testing import capture_logs

from jingwei_api.execution.audience import WAITING_AT_MOST, Audience, Follower, Position
from jingwei_api.execution.changes import ChangeFeed
from jingwei_api.execution.errors import ErrorTexts, traced
from jingwei_api.execution.notices import Watch
from jingwei_core.access.loading import Access
from jingwei_core.access.permissions import PermissionSet
from jingwei_core.catalogue import load_core_texts
from jingwei_core.contribution import core_contribution
from jingwei_core.registry import build_registry
from jingwei_core.session import Identity
from jingwei_sdk.errors import Unavailable
from jingwei_sdk.messages import Catalogue

TENANT = uuid.UUID(int=1)
REGISTRY = build_registry([core_contribution()])


class _Database:
    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, *_: object) -> bytes:
        self.asked += 1
        raise RuntimeError("a statement that is wrong")


class _Hearing:
    """Hears at once."""

    async def join(self) -> None:
        pass

    def leave(self) -> None:
        pass


class _Platform:
    """As much of a platform as the feed looks at."""

    def __init__(self) -> None:
        self.database = _Database()
        self.clock = types.SimpleNamespace(now=lambda: datetime.now(UTC))
        self.state: Any = types.SimpleNamespace(enabled=frozenset(), require_active=lambda: None)

    async def tenant_by_id(self, _: uuid.UUID) -> Any:
        return self.state


class _Feed(ChangeFeed):
    def __init__(self) -> None:
        self.platform: Any = _Platform()
        super().__init__(self.platform, 0.01)
        hearing: Any = _Hearing()
        self._hearing = hearing
        self.slow = asyncio.Event()

    async def _position(self, follower: Follower) -> Position:
        await self.slow.wait()
        return _position()


def _position() -> Position:
    nothing: Any = ("", "", "active", 0, 0, frozenset(), None, None, None, PermissionSet())
    return Position(Access(uuid.UUID(int=2), *nothing))


def _follower() -> Follower:
    return Follower(REGISTRY, TENANT, Identity(uuid.UUID(int=2), 0), Watch(None, None))


async def test_who_comes_while_the_last_one_leaves_is_heard() -> None:
    feed, last, new = _Feed(), _follower(), _follower()
    feed.slow.set()
    leaving: AsyncIterator[Any] = feed.follow(last)
    first = asyncio.ensure_future(anext(leaving))
    await asyncio.sleep(0)
    assert last in feed._audiences[TENANT].followers
    feed.slow.clear()
    second = asyncio.ensure_future(anext(feed.follow(new)))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    feed.slow.set()
    await asyncio.sleep(0.01)
    assert new in feed._audiences[TENANT].followers
    second.cancel()
    await asyncio.wait([second])
    assert feed._audiences == {}


async def test_a_fault_ends_the_streams_and_not_the_feed() -> None:
    feed, follower = _Feed(), _follower()
    feed._audiences[TENANT] = Audience()
    feed._audiences[TENANT].place(follower, _position())
    checking = asyncio.ensure_future(feed._check())
    await asyncio.sleep(0.1)
    assert not checking.done()
    assert feed.platform.database.asked > 1
    checking.cancel()
    assert isinstance(follower._failure, Unavailable)
    assert follower._failure.code == "SUBSCRIPTION_INTERRUPTED"


def test_clients_are_not_told_where_the_database_is() -> None:
    catalogue = Catalogue()
    load_core_texts(catalogue)
    texts = ErrorTexts(catalogue)
    error = Unavailable("DATABASE_UNREACHABLE", cause="Connect call failed ('10.1.2.3', 5432)")
    told = texts.describe(error, "en", "request-7")
    assert told["extensions"]["code"] == "DATABASE_UNREACHABLE"
    assert "10.1.2.3" not in str(told)
    assert "request-7" in told["message"]


def test_what_failed_for_many_rows_at_once_is_logged_once() -> None:
    catalogue = Catalogue()
    load_core_texts(catalogue)
    cause = RuntimeError("13900000000")
    errors = [GraphQLError("", path=["list", at], original_error=cause) for at in range(50)]
    other = GraphQLError("", path=["other"], original_error=RuntimeError("another"))
    with capture_logs() as logged:
        told = ErrorTexts(catalogue).graphql([*errors, other], "en", "request-7")
    assert [one["path"] for one in told] == [*(["list", at] for at in range(50)), ["other"]]
    assert {one["extensions"]["code"] for one in told} == {"INTERNAL_ERROR"}
    assert "13900000000" not in str(told)
    assert [entry["event"] for entry in logged] == ["unexpected_error"] * 2
    assert "13900000000" not in str(logged)


def test_a_fault_is_traced_with_its_causes_and_without_what_it_quotes() -> None:
    quoted = "Key (phone)=(13900000001) already exists."
    try:
        try:
            raise asyncpg.UniqueViolationError(quoted)
        except asyncpg.UniqueViolationError as cause:
            raise KeyError(quoted) from cause
    except KeyError as error:
        trace = traced(error)
    assert "13900000001" not in trace
    assert trace.startswith("KeyError")
    assert "UniqueViolationError 23505" in trace
    assert trace.count("test_feed_faults.py") == 2


def test_a_subscriber_that_does_not_keep_up_is_ended_and_told() -> None:
    follower = _follower()
    notice: Any = object()
    for _ in range(WAITING_AT_MOST):
        follower.offer(notice)
    assert follower._failure is None
    follower.offer(notice)
    assert isinstance(follower._failure, Unavailable)
    assert follower._failure.code == "SUBSCRIPTION_LAGGED"
    assert len(follower._waiting) <= WAITING_AT_MOST
