"""The two cities of a test, and accounts in them."""

import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from jingwei_api.testing.photos import committed_photo
from jingwei_core.access.permissions import EVERYTHING
from jingwei_core.commands.bus import Call, execute
from jingwei_core.platform import Platform
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.session import Identity, Request, account_context, system_context
from jingwei_sdk.context import Context, Tenant
from jingwei_sdk.testing.contract import CITY, Done

REQUEST = Request("zh", "test")
_BEFORE = timedelta(days=30)
_HANDLERS = "lamps"
"""The department that the kit's own steps dispatch to."""
_BROUGHT: Mapping[str, Mapping[str, object]] = {
    "verify": {"note": "属实"},
    "dispatch": {"department_code": _HANDLERS},
    "handle": {"note": "已处理"},
    "check": {"note": "已核查"},
    "cancel": {"reason": "重复"},
    "reject": {"reason": "不属实"},
    "reopen": {"reason": "复发"},
}


@dataclass(eq=False)
class KitCity:
    """A city of one test; ``has_acted`` says that the test did something in it."""

    platform: Platform
    tenant: Tenant
    has_acted: bool = False
    _everybody: "KitCaller | None" = field(default=None, init=False)

    async def place(self, code: str) -> uuid.UUID:
        """See the kit's contract."""
        found = await self.fetch("SELECT id FROM core.place WHERE code = $1", code)
        if not found:
            raise LookupError(f"no place {code!r}")
        row_id: uuid.UUID = found[0]["id"]
        return row_id

    async def as_role(self, code: str, *, at: str = CITY, department: str = "") -> "KitCaller":
        """See the kit's contract."""
        roles = await self.fetch("SELECT id FROM core.role WHERE code = $1", code)
        if not roles:
            raise LookupError(f"no role {code!r}")
        return await self._account(code, roles[0]["id"], at, department)

    async def holding(self, *permissions: str, at: str = CITY) -> "KitCaller":
        """See the kit's contract."""
        sql = "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id"
        code = f"kit-{secrets.token_hex(4)}"
        role = await self.fetch(sql, code, list(permissions))
        return await self._account(code, role[0]["id"], at, "")

    async def everybody(self) -> "KitCaller":
        """An account that holds every permission in the whole city."""
        if self._everybody is None:
            sql = "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id"
            role = await self.fetch(sql, "kit-everybody", [EVERYTHING])
            self._everybody = await self._account("everybody", role[0]["id"], CITY, _HANDLERS)
        return self._everybody

    async def run(self, command: str, target: uuid.UUID | None = None, /, **given: object) -> Done:
        """See the kit's contract."""
        return await (await self.everybody()).run(command, target, **given)

    async def take(self, event: uuid.UUID, *actions: str) -> None:
        """See the kit's contract."""
        desk = await self.everybody()
        for action in actions:
            given = dict(_BROUGHT.get(action, {}))
            if action == "handle":
                photo = await committed_photo(self.platform, self.tenant, desk.account_id)
                given["evidence"] = [{"id": str(photo), "phase": "after"}]
            await desk.run("event.act", event, action=action, **given)

    @asynccontextmanager
    async def system(self) -> AsyncIterator[Context]:
        """See the kit's contract."""
        self.has_acted = True
        async with system_context(self.platform, self.tenant, "test", REQUEST) as ctx:
            yield ctx

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """See the kit's contract."""
        async with self.platform.database.unit(self.tenant.id) as unit:
            return [dict(row) for row in await unit.fetch(sql, *args)]

    async def enable(self, plugin: str, **settings: object) -> None:
        """See the kit's contract."""
        self.has_acted = True
        await self.switch(plugin, enabled=True, settings=settings)

    async def disable(self, plugin: str) -> None:
        """See the kit's contract."""
        self.has_acted = True
        await self.switch(plugin, enabled=False, settings={})

    async def switch(self, plugin: str, *, enabled: bool, settings: Mapping[str, Any]) -> None:
        """Switch a plugin without counting it as an act of the test."""
        slug = self.tenant.slug
        await switch_audited(self.platform, slug, plugin, enabled=enabled, settings=settings)

    async def _account(self, name: str, role: uuid.UUID, at: str, department: str) -> "KitCaller":
        # Nobody signs in with it: the kit speaks for the account, so it has no password.
        login = f"{name}-{secrets.token_hex(4)}"
        made = await self.fetch(
            "INSERT INTO core.account (login, name) VALUES ($1, $2) RETURNING id", login, name
        )
        account: uuid.UUID = made[0]["id"]
        await self.fetch(
            "INSERT INTO core.post (account, role, place_id, department, is_primary, valid_from)"
            " VALUES ($1, $2, $3, (SELECT id FROM core.department WHERE code = $4), true, $5)",
            account,
            role,
            await self.place(at),
            department,
            self.platform.clock.now() - _BEFORE,
        )
        return KitCaller(self, account)


@dataclass(frozen=True, slots=True)
class KitCaller:
    """An account of a city."""

    city: KitCity
    account_id: uuid.UUID

    @property
    def identity(self) -> Identity:
        """What its access token would say."""
        return Identity(self.account_id, 0)

    async def run(self, command: str, target: uuid.UUID | None = None, /, **given: object) -> Done:
        """See the kit's contract."""
        city = self.city
        city.has_acted = True
        registry = await city.platform.registry(city.tenant.id)
        if command not in registry.commands:
            raise LookupError(f"no command {command!r} in {city.tenant.slug}")
        call = Call(registry.commands[command], given, target)
        answer = await execute(city.platform, city.tenant, self.identity, call, REQUEST)
        return Done(answer.row_id, answer.values, answer.replayed)

    @asynccontextmanager
    async def context(self) -> AsyncIterator[Context]:
        """See the kit's contract."""
        city = self.city
        city.has_acted = True
        async with account_context(city.platform, city.tenant, self.identity, REQUEST) as ctx:
            yield ctx
