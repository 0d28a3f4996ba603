"""A city whose people are told things, and a channel of a plugin that carries them out."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from jingwei_core.events.ports import Message as Notification
from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.notifications.telling import InboxNotifier
from jingwei_core.notifications.texts import texts
from jingwei_core.platform import Platform
from jingwei_sdk.channels import Channel, Delivered, Later, Letter, Message, Outcome
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Plugin
from tests.core.events.city import City, build_city
from tests.core.events.frozen_clock import MONDAY, FrozenClock

PIGEONS = "pigeons"
CHANNEL = "pigeon"
FLOWN: list[Message] = []
"""What the plugin's channel was given."""
IS_STORMY: list[bool] = []
"""While it has an entry the channel fails."""


async def fly(ctx: Context, message: Message) -> Outcome:
    """The plugin's channel."""
    if IS_STORMY:
        return Later("STORM")
    FLOWN.append(message)
    return Delivered()


def pigeon_post() -> Plugin:
    """A plugin with a channel to persons, as one for short messages or WeChat has."""
    channels = (Channel(CHANNEL, "信鸽", "Pigeon", fly, reaches="person"),)
    return Plugin(id=PIGEONS, package="tests", channels=channels)


class Told(City):
    """A tenant of the test; things by name, path or code."""

    done: set[int]
    """Jobs that ran."""

    @property
    def clock(self) -> FrozenClock:
        clock = self.platform.clock
        assert isinstance(clock, FrozenClock)
        return clock

    async def tell(
        self,
        login: str,
        code: str,
        event: uuid.UUID,
        urgency: str = "usual",
    ) -> None:
        """Tell an account of an event, as a step would."""
        message = Notification(code, {"number": "?"}, ("Event", event), "/1/2/", urgency)
        async with self.context(None) as ctx:
            await InboxNotifier().tell(ctx, (self.people[login],), message)

    async def settle(self, *, later: bool = False) -> None:
        """Run the jobs that wait for the tenant and are due at once, and those that they queue;
        with ``later`` also those that were put off, once, whatever hour it is."""
        due = "true" if later else "execute_after <= now()"
        sql = (
            "SELECT id, entrypoint, convert_from(payload, 'UTF8') AS payload FROM jobs.pgqueuer"
            f" WHERE tenant_id = $1 AND {due} AND NOT id = ANY($2::bigint[]) ORDER BY id"
        )
        rows = await self.fetch(sql, self.tenant.id, sorted(self.done))
        self.done |= {row["id"] for row in rows}
        for row in rows:
            job = next(one for one in JOBS if one.name == row["entrypoint"])
            async with self.context(None) as ctx:
                await job.run(ctx, json.loads(row["payload"]))
        if rows:
            await self.settle()

    async def rules(self, **given: object) -> None:
        """The tenant's rules; nobody is told by mail."""
        by_pigeon = {each: [CHANNEL] for each in ("now", "usual", "digest")}
        rules = {"channels": by_pigeon, **given}
        await self.fetch("DELETE FROM core.notification_rules")
        await self.fetch(
            "INSERT INTO core.notification_rules (definition) VALUES ($1)", json.dumps(rules)
        )

    async def run_suspend(self, login: str) -> None:
        """The account is suspended."""
        await self.fetch(
            "UPDATE core.account SET status = 'suspended' WHERE id = $1", self.people[login]
        )

    async def without_pigeons(self) -> None:
        """The plugin is switched off in the tenant."""
        async with self.platform.database.owner() as unit:
            await unit.execute(
                "UPDATE platform.plugin_state SET enabled = false WHERE tenant_id = $1",
                self.tenant.id,
            )
        self.platform.forget()

    def flown(self, login: str) -> list[Letter]:
        """What the pigeons brought the account."""
        account = self.people[login]
        letters = [one.letter for one in FLOWN if one.letter is not None]
        return [one for one in letters if one.account == account]

    async def left(self, login: str) -> list[str]:
        """What became of each notification of an account, oldest first."""
        return [row["outward"] for row in await self.inbox(login)]

    async def inbox(self, login: str) -> list[Any]:
        """The rows of an account's inbox, oldest first."""
        return await self.fetch(
            "SELECT * FROM core.notification WHERE account = $1 ORDER BY id", self.people[login]
        )

    async def read(self, login: str) -> list[str]:
        """What the account reads in its inbox now."""
        rows = await self.inbox(login)
        async with self.context(login) as ctx:
            return await texts(ctx, rows)

    async def end_post(self, login: str, at: datetime | None = None) -> None:
        """The posts of the account end."""
        await self.fetch(
            "UPDATE core.post SET valid_to = $2 WHERE account = $1",
            self.people[login],
            at or self.clock.now() - timedelta(minutes=1),
        )


async def build_told(platform: Platform) -> Told:
    """A new city with the plugin; everybody may read notifications."""
    plain = await build_city(platform, plugins=(PIGEONS,))
    city = Told(**{name: getattr(plain, name) for name in plain.__dataclass_fields__})
    city.done = set()
    await city.rules()
    await city.fetch("UPDATE core.role SET permissions = permissions || '{notification.read}'")
    return city


__all__ = ["MONDAY", "Told", "build_told"]
