"""A city whose potholes follow a workflow of the test's own, and rooms that stand in for others."""

import copy
import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from jingwei_core.events.ports import Accounts, Message, NewTask, Ports
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Whom
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_sdk.context import Context
from tests.core.events.city import GRID, POTHOLE, ROOT, SIBLING, City


def state(code: str, kind: str = "working", **more: Any) -> dict[str, Any]:
    return {"code": code, "name_zh": code, "name_en": code, "kind": kind, **more}


def action(code: str, origins: list[str], to: str, **more: Any) -> dict[str, Any]:
    """An action that everybody may take who may see events."""
    names = {"code": code, "name_zh": code, "name_en": code, "permission": "event.read"}
    return {**names, "from": origins, "to": to, **more}


def workflow(*actions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Begin, work, wait, done; ``actions`` lead on from ``work`` beside the usual ones."""
    return {
        "code": "guarded",
        "name_zh": "流程",
        "name_en": "Guarded",
        "states": [
            state("begin", "start"),
            state("work", limit={"amount": 4, "unit": "work_hour"}),
            state("wait", pauses=True, limit={"amount": 3, "unit": "day"}),
            state("done", "final"),
        ],
        "limits": {"*": {"amount": 8, "unit": "work_hour"}},
        "actions": [
            action("start", ["begin"], "work", assigns="department"),
            action("wait", ["work"], "wait", requires=["reason"]),
            action("resume", ["wait"], "previous"),
            action("finish", ["work"], "done"),
            *actions,
        ],
        **more,
    }


@dataclass
class Rooms:
    """All the ports of events in one; what was asked of them."""

    certificates: dict[uuid.UUID, set[str]] = field(default_factory=dict)
    busy: set[uuid.UUID] = field(default_factory=set)
    unread: set[uuid.UUID] = field(default_factory=set)
    meant: dict[str, Accounts] = field(default_factory=dict)
    told: list[tuple[Accounts, Message]] = field(default_factory=list)
    opened: list[NewTask] = field(default_factory=list)
    sent: list[tuple[str, ...]] = field(default_factory=list)
    route: uuid.UUID | None = None

    def ports(self) -> Ports:
        return Ports(self, self, self, self, self, self)  # type: ignore[arg-type]

    async def resolve(self, ctx: Context, whom: Whom, about: Event) -> Accounts:
        return self.meant.get(str(whom), ())

    def knows(self, code: str) -> bool:
        return code == "EVENT_TOLD"

    async def tell(self, ctx: Context, accounts: Accounts, message: Message) -> None:
        self.told.append((accounts, message))

    async def open(self, ctx: Context, event: Event, task: NewTask) -> Event:
        self.opened.append(task)
        return event

    async def end(self, ctx: Context, event: Event, reason: str) -> Event:
        return event

    async def open_ones(self, ctx: Context, events: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        return self.busy & set(events)

    async def kinds(self, ctx: Context) -> Collection[str]:
        return {"enforcement"}

    async def held(self, ctx: Context, account: uuid.UUID, day: date) -> Collection[str]:
        return self.certificates.get(account, set())

    async def send(self, ctx: Context, event: Event, whom: Sequence[Whom]) -> None:
        self.sent.append(tuple(map(str, whom)))

    async def waiting(self, ctx: Context, events: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        return self.unread & set(events)

    async def department(self, ctx: Context, event: Event) -> uuid.UUID | None:
        return self.route


async def ruled(city: City, definition: Mapping[str, Any], rooms: Rooms | None = None) -> City:
    """The city with its potholes under the definition, and its ports filled."""
    platform = copy.copy(city.platform)
    platform.event_ports = (rooms or Rooms()).ports()
    await put(city, definition)
    await city.fetch(
        "UPDATE core.event_kind SET workflow = $1, deadline_profile = '' WHERE code = $2",
        definition["code"],
        POTHOLE,
    )
    for path, level in ((ROOT, "city"), (GRID, "grid"), (SIBLING, "grid")):
        await city.fetch("UPDATE core.place SET level = $1 WHERE path = $2", level, path)
    for rank, level in enumerate(("city", "grid")):
        await city.fetch("INSERT INTO core.place_level (code, rank) VALUES ($1, $2)", level, rank)
    return replace(city, platform=platform)


async def put(city: City, definition: Mapping[str, Any]) -> None:
    """Store the definition as the next version of its code, the current one."""
    read = read_workflow(definition)
    await city.fetch("UPDATE core.workflow SET is_current = false WHERE code = $1", read.code)
    await city.fetch(
        "INSERT INTO core.workflow (code, number, digest, definition) SELECT $1,"
        " coalesce(max(number), 0) + 1, $2, $3 FROM core.workflow WHERE code = $1",
        read.code,
        read.digest,
        json.dumps(read.document()),
    )


async def available(city: City, login: str, event: uuid.UUID) -> list[str]:
    """The available actions as a reader is told them."""
    return (await computed(city, login, event, "available_actions"))[0]


async def computed(city: City, login: str, event: uuid.UUID, name: str) -> Any:
    async with city.context(login) as ctx:
        row = await city.event(event)
        record = ctx.registry.record("Event")
        return await ctx.registry.computed(record)[name].resolve(ctx, [row])
