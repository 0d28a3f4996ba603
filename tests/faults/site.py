"""A site (现场): a database, its evidence store, and processes that begin and die over them."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from pydantic import SecretStr

from jingwei_core.audit.chain import verify_chain
from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.commands.staging import CoreStage, run_staged
from jingwei_core.database import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from jingwei_core.session import Identity, Request
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable
from tests.core.events.frozen_clock import FrozenClock
from tests.faults.line import Line, line_to
from tests.faults.power import Power, PoweredStore
from tests.faults.rows import Book

Repeated = Literal["same answer", "nothing more", "once more", "refused"]
"""What the same call does when it has succeeded before: tell of it, do nothing, act again, or be
refused."""


@dataclass(frozen=True)
class Act:
    """Something that is done to a database, at an instant of the platform's clock.

    ``may_be_partly`` says that it is done in parts, each whole: done again, it goes on.
    """

    name: str
    tenant: UUID
    at: datetime
    run: Callable[[Platform], Awaitable[Any]]
    repeated: Repeated = "nothing more"
    may_be_partly: bool = False
    every_point: bool = False
    """Whether each moment is tried, not only the first, the middle, the last and the commits."""
    forgets: bool = False
    """Whether each attempt is that of a new process: what the last one learned changes the end."""
    lost: tuple[type[Exception], ...] = (Unavailable,)
    """How it tells that the power went."""


@dataclass
class Site:
    """``settings`` lead to the database itself, ``wired`` over the line that can be cut."""

    settings: Settings
    wired: Settings
    power: Power
    line: Line
    book: Book
    host: PluginHost
    direct: Database

    @asynccontextmanager
    async def process(self, at: datetime) -> AsyncIterator[Platform]:
        """A process that has just begun: it knows what is installed and nothing else."""
        async with open_database(self.wired) as database:
            store = PoweredStore(open_store(self.settings), self.power)
            platform = Platform(database, self.host, store)  # type: ignore[arg-type]
            platform.clock = FrozenClock()
            platform.clock.instant = at
            yield platform

    async def chain_holds(self, tenant: UUID) -> bool:
        """Whether the tenant's audit log verifies."""
        async with self.direct.unit(tenant) as unit:
            return (await verify_chain(unit)).broken_at is None

    def stored(self) -> set[str]:
        """The keys in the evidence store."""
        folder = self.settings.data_dir / "evidence" / "objects"
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@asynccontextmanager
async def site_of(
    given: Settings, host: PluginHost, folder: Path, kept: Path | None = None
) -> AsyncIterator[Site]:
    """A site over the database of the settings; its files begin as a copy of ``kept``."""
    secret = SecretStr(given.secret().decode())
    data_dir = folder / "data"
    if kept is None:
        data_dir.mkdir(parents=True)
    else:
        shutil.copytree(kept, data_dir)
    settings = given.model_copy(update={"data_dir": data_dir, "secret_key": secret})
    power = Power()
    async with (
        line_to(settings, power, folder / "line") as (line, url),
        Book.open(settings) as book,
        open_database(settings) as direct,
    ):
        wired = settings.model_copy(update={"database_url": url})
        yield Site(settings, wired, power, line, book, host, direct)


@dataclass(frozen=True)
class Caller:
    """An account of a tenant that runs commands; each call has a key of its own."""

    tenant: UUID
    account: UUID
    at: datetime
    workers: ImageWorkers | None = None
    every_point: bool = False

    def act(
        self, command: str, target: UUID | None = None, variant: str = "", /, **given: Any
    ) -> Act:
        """The command with its input; ``variant`` tells it from its other acts."""
        call = _Calling(self, command, target, given, f"{command} {variant}".strip())
        return Act(
            call.name, self.tenant, self.at, call, _repeated(command), every_point=self.every_point
        )


def _repeated(command: str) -> Repeated:
    if ".reveal-" in command:
        return "once more"
    return "nothing more" if command in STAGED else "same answer"


STAGED = {"evidence.commit", "ledger.export", "meeting.close"}
"""Commands that have no key: what they have done they do not do again."""


@dataclass(frozen=True)
class _Calling:
    caller: Caller
    command: str
    target: UUID | None
    given: Mapping[str, Any]
    name: str = field(default="")

    async def __call__(self, platform: Platform) -> Answer | None:
        caller, request = self.caller, Request("zh", "fault")
        state = await platform.tenant_by_id(caller.tenant)
        command = platform.host.registry(state.enabled).commands[self.command]
        identity = Identity(caller.account, 0)
        if command.staged is not None:
            assert self.target is not None
            stage = CoreStage(platform, state.tenant, caller.workers)  # type: ignore[arg-type]
            await run_staged(stage, command, identity, self.target, request)
            return None
        call = Call(command, dict(self.given), self.target, key=f"fault {self.name}")
        return await execute(platform, state.tenant, identity, call, request)
