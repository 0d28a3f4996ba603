"""What the test kit hands to a test, and what the platform implements for it.

The kit is the author's side; the platform is found behind the entry-point group
:data:`PROVIDERS`, so that this distribution never imports it.
"""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from jingwei_sdk.channels import Message, Outcome
from jingwei_sdk.context import Context, Tenant

PROVIDERS = "jingwei.testing"
"""The entry-point group in which a platform offers itself to the kit, under ``platform``."""

CITY = "4205"
DISTRICT = "420502"
STREET = "420502001"
COMMUNITY = "420502001001"
GRID = "42050200100101"
NEXT_GRID = "42050200100102"
"""Codes of places that both cities have, from the whole to two neighbours."""

ROLES = ("worker", "chief", "centre", "handler", "checker", "supervisor", "auditor", "admin")
"""Codes of the roles that both cities have; a plugin's own suggested roles come beside them."""


@dataclass(frozen=True, slots=True)
class PluginUnderTest:
    """A plugin as the kit found it: its id, what its entry point names, and its project."""

    id: str
    entry: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Switched:
    """How a test wants its plugin: ``settings`` for both cities, and whether the other city has it
    switched on too."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    is_on_in_other: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """What a command answered: the id of its row, or its plain values."""

    row_id: uuid.UUID | None
    values: Mapping[str, Any] | None
    replayed: bool = False

    @property
    def id(self) -> uuid.UUID:
        """The id of its row; an ``AssertionError`` for a command that answers none."""
        assert self.row_id is not None, f"the command answered {self.values}, no row"
        return self.row_id


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of a hook of the plugin: what it was given, and what it answered or raised."""

    hook: str
    city: str
    given: Any
    answer: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class ChannelCall:
    """An attempt to deliver a message, and how it ended."""

    channel: str
    city: str
    message: Message
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job in the queue of a city."""

    name: str
    payload: Mapping[str, Any]
    city: str


class Caller(Protocol):
    """A signed-in account of a city."""

    @property
    def account_id(self) -> uuid.UUID:
        """Its id in the core's ``Account``."""
        ...

    @property
    def city(self) -> "City":
        """The city it belongs to."""
        ...

    async def run(self, command: str, target: uuid.UUID | None = None, /, **given: object) -> Done:
        """Run a command as this account, in a transaction of its own.

        Raises the command's own errors and those of the platform:
        ``Denied``, ``NotFound``, ``Invalid``, ``Conflict``.
        """
        ...

    def context(self) -> AbstractAsyncContextManager[Context]:
        """A context of the account with one unit of work, for calling functions directly."""
        ...


class City(Protocol):
    """A tenant with places, departments, kinds and workflows; see ``CITY`` … ``NEXT_GRID``."""

    @property
    def tenant(self) -> Tenant:
        """The tenant as code of the plugin sees it."""
        ...

    async def place(self, code: str) -> uuid.UUID:
        """The id of a place; a ``LookupError`` for a code that the city does not have."""
        ...

    async def as_role(self, code: str, *, at: str = CITY, department: str = "") -> Caller:
        """A new account that holds the role at a place, of a department if one is named; a
        ``LookupError`` for a role that the city does not have."""
        ...

    async def holding(self, *permissions: str, at: str = CITY) -> Caller:
        """A new account that holds exactly these permissions at a place."""
        ...

    async def run(self, command: str, target: uuid.UUID | None = None, /, **given: object) -> Done:
        """Run a command as somebody who holds every permission in the whole city."""
        ...

    async def take(self, event: uuid.UUID, *actions: str) -> None:
        """Take steps of an event in the workflow ``standard``, with what each asks for: ``file``,
        ``verify``, ``dispatch``, ``handle`` (with a photo), ``check``, ``close``, ``cancel``,
        ``reject``. Raises what the platform and the plugin's hooks raise."""
        ...

    def system(self) -> AbstractAsyncContextManager[Context]:
        """A context of the platform itself, for arranging rows and calling jobs."""
        ...

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """Rows of the city's tables, under row security as the plugin would read them."""
        ...

    async def enable(self, plugin: str, **settings: object) -> None:
        """Switch a plugin on, as an administrator would."""
        ...

    async def disable(self, plugin: str) -> None:
        """Switch a plugin off; its data is kept."""
        ...


class GraphQLClient(Protocol):
    """GraphQL as a frontend speaks it, without the wire between."""

    def id(self, record: str, row_id: uuid.UUID) -> str:
        """The global id of a row, as GraphQL gives and takes it; ``record`` is a type name."""
        ...

    async def ask(self, caller: Caller, query: str, **variables: object) -> Mapping[str, Any]:
        """The whole answer: ``data``, ``errors``, ``extensions``."""
        ...

    async def data(self, caller: Caller, query: str, **variables: object) -> Mapping[str, Any]:
        """The data of an operation that must succeed."""
        ...

    async def error(self, caller: Caller, query: str, **variables: object) -> Mapping[str, Any]:
        """The one error of an operation that must fail."""
        ...


class WorkingClock(Protocol):
    """Stands still until a test moves it; the calendar is that of both cities: Monday to Friday,
    08:30 to 12:00 and 14:00 to 17:30, 1 October 2026 a holiday, 10 October worked instead."""

    def now(self) -> datetime:
        """The instant, aware, in UTC. A test begins on Wednesday, 3 June 2026, at 10:00."""
        ...

    def set(self, instant: datetime | str) -> None:
        """Move to an instant; one without a zone is the cities' local time."""
        ...

    def advance(self, by: timedelta | None = None, **units: float) -> None:
        """Move on by a duration, or by ``hours=2``, ``days=1`` and so on."""
        ...

    def advance_work_hours(self, amount: float) -> None:
        """Move on until so many hours of work have passed."""
        ...

    def advance_work_days(self, amount: int) -> None:
        """Move to the end of work of the working day that is so many after today."""
        ...

    def is_working_day(self, day: date | None = None) -> bool:
        """Whether anyone works on a day, today unless named."""
        ...


class EvidenceBox(Protocol):
    """Photos for steps that ask for them, in a store of this test alone."""

    async def photo(self, caller: Caller, *, data: bytes = b"") -> uuid.UUID:
        """The id of a committed photo that the caller uploaded; some picture unless ``data``."""
        ...

    async def keys(self, city: City) -> Sequence[str]:
        """The keys of everything that the city has in the store."""
        ...


class CapturedHooks(Protocol):
    """Every call of the plugin's hooks during a test, in order."""

    @property
    def calls(self) -> Sequence[HookCall]:
        """All of them so far."""
        ...

    def of(self, hook: str) -> Sequence[HookCall]:
        """Those of one hook."""
        ...


class CapturedJobs(Protocol):
    """The queues of both cities: nothing runs by itself during a test."""

    async def waiting(self, name: str = "") -> Sequence[WaitingJob]:
        """The jobs that wait, oldest first; of one name, if it is given."""
        ...

    async def run_all(self) -> int:
        """Run what waits, and what that queues, until nothing is left; how many ran.

        Raises what a job raises.
        """
        ...

    async def run(self, city: City, name: str, **payload: object) -> None:
        """Run a declared job now, as its schedule would."""
        ...


class CapturedChannels(Protocol):
    """Every attempt to deliver a message during a test, in order: ``await captured_jobs.run_all()``
    makes them. Channels of plugins are called; those of the core take every message, and nothing
    of it leaves."""

    @property
    def calls(self) -> Sequence[ChannelCall]:
        """All of them so far."""
        ...

    def of(self, channel: str) -> Sequence[ChannelCall]:
        """Those of one channel."""
        ...


class Sent(Protocol):
    """What went to the database while a block ran."""

    @property
    def statements(self) -> Sequence[str]:
        """Each message in order, white space folded; those of transactions left out."""
        ...


class Scene(Protocol):
    """One test's platform: two cities and all that happens to them; nothing of it is kept."""

    city: City
    other_city: City
    client: GraphQLClient
    clock: WorkingClock
    evidence: EvidenceBox
    hooks: CapturedHooks
    jobs: CapturedJobs
    channels: CapturedChannels

    def counting(self) -> AbstractContextManager[Sent]:
        """Note the statements that are sent while the block runs."""
        ...

    async def leaks(self) -> Sequence[str]:
        """What of this test the other city can see, or what appeared in it although the test did
        nothing there: one sentence each, none when all is well."""
        ...


class BootedPlatform(Protocol):
    """A platform with one plugin, running until it is closed."""

    @property
    def took_s(self) -> float:
        """Seconds from asking for it to its being ready."""
        ...

    def scene(self, switched: Switched) -> AbstractAsyncContextManager[Scene]:
        """The platform for one test; one at a time."""
        ...

    async def close(self) -> None:
        """Stop it, and leave nothing behind but the template for the next time."""
        ...


class PlatformProvider(Protocol):
    """How a platform offers itself to the kit: what its entry point names."""

    async def boot(self, plugin: PluginUnderTest) -> BootedPlatform:
        """A platform on which the plugin's migrations have run.

        Raises ``Refused`` (``PLUGIN_OFF``) with the reason when the platform would not load it.
        """
        ...
