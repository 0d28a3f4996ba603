"""Commands on the rows of the leak tests, with the arguments that those know to be good."""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from graphql import GraphQLSchema, build_schema

from jingwei_core.platform import Platform
from tests.faults.site import STAGED, Act, Caller
from tests.leak.matrix import RECIPES
from tests.leak.mutations import Sampler, near_row
from tests.leak.surface import Name
from tests.leak.world import PLUGIN, build_world

SCHEMA = Path(__file__).resolve().parents[2] / "frontend_api/schema.graphql"
EVENT_COMMANDS = "event."
# Good only while nobody has used them up: the acts of their own scenes come instead.
_OTHERS = {"place.end"}


async def leak_acts(platform: Platform, workers: Any) -> list[Act]:
    """One act for each command that can be done there."""
    world = await build_world(platform)
    registry = platform.host.registry(frozenset({PLUGIN}))
    schema: GraphQLSchema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    assert schema.mutation_type is not None
    at = datetime.now(UTC)
    found = []
    for command in registry.commands.values():
        is_done_elsewhere = "not_live" in RECIPES.get(command.mutation, {})
        if is_done_elsewhere or command.name in _OTHERS or command.name in STAGED:
            continue
        mutation = schema.mutation_type.fields[command.mutation]
        sampler = Sampler(registry, lambda record: near_row(world, "a", record))
        given = sampler.call(command.mutation, mutation)
        target = _plain(given["id"]) if "id" in given else None
        values = _plain(given.get("input", {}))
        caller = Caller(
            world.a.id,
            world.a.accounts["chief"],
            at,
            workers,
            every_point=command.name.startswith(EVENT_COMMANDS),
        )
        found.append(caller.act(command.name, target, **values))
    house = world.a.places["near_house"]
    chief = Caller(world.a.id, world.a.accounts["chief"], at)
    return [*found, chief.act("place.end", house, valid_to="2999-01-01")]


def _plain(value: Any) -> Any:
    """An argument of GraphQL as a command's input spells it."""
    if isinstance(value, dict):
        return {_snake(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Name):
        return value.lower()
    if isinstance(value, str):
        return _row_id(value) or str(value)
    return value


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


def _row_id(text: str) -> UUID | None:
    try:
        return UUID(base64.b64decode(text, validate=True).decode().partition(":")[2])
    except ValueError:
        return None
