"""The core's own questions: who am I, what waits for me, what lies here, is it a duplicate."""

from collections.abc import Mapping
from typing import Any

import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.node import Row
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_core.reading.request import AnyCondition, Condition, PathCondition

CRS = Argument("crs", str | None, "EPSG code of the position; EPSG:4490 (CGCS2000) by default.")
POSITION = (
    Argument("lon", float, "Longitude, degree."),
    Argument("lat", float, "Latitude, degree."),
    CRS,
)
DEFAULT_CRS = "EPSG:4490"


def core_query_fields(
    space: TypeSpace, registry: Declarations, arguments: Mapping[str, tuple[Argument, ...]]
) -> list[Field]:
    """The special fields of ``Query``, as far as the records they speak of are declared."""
    fields: list[Field] = []
    if {"Account", "Post"} <= set(registry.records):
        _add_me(space, arguments["Post"])
        fields.append(Field("me", "Me", "The signed-in account (我).", lambda *_: ()))
    if "Event" in registry.records:
        queue = arguments["Event"]
        fields += [
            Field("my_queue", "EventConnection", "What waits for me (我的待办).", _queue, queue),
            Field("my_area", "EventConnection", "Events in my area (我的辖区).", _area, queue),
        ]
    return fields


def _add_me(space: TypeSpace, posts: tuple[Argument, ...]) -> None:
    fields = [
        Field("id", strawberry.ID, "Global id of the account.", _my_id),
        Field("name", str, "How the account is called.", _my_name),
        Field("account", "Account | None", "The account, if its record is in my sight.", _account),
        Field("posts", "PostConnection", "The posts I hold (我的岗位).", _posts, posts),
        Field("permissions", list[str], "What my posts allow; area.* is all below.", _permissions),
    ]
    space.object("Me", fields, owner="core", description="The signed-in account (我).")


def _my_id(source: object, operation: Any, given: Mapping[str, Any]) -> str:
    return global_id.encode("Account", operation.ctx.actor.account_id)


def _my_name(source: object, operation: Any, given: Mapping[str, Any]) -> str:
    name: str = operation.ctx.actor.name
    return name


async def _account(source: object, operation: Any, given: Mapping[str, Any]) -> Row | None:
    mine = operation.ctx.actor.account_id
    found: Row | None = await operation.rows.by_key("Account", "id", mine)
    return found


def _posts(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    mine = Condition("account", "eq", operation.ctx.actor.account_id)
    return operation.rows.connection("Post", given, (mine,))


def _permissions(source: object, operation: Any, given: Mapping[str, Any]) -> list[str]:
    return list(operation.ctx.permissions.grants())


def _queue(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    """Open events assigned to me, or to a department of mine and to nobody in it."""
    actor = operation.ctx.actor
    mine = (Condition("assigned_account", "eq", actor.account_id),)
    departments = sorted(actor.department_ids)
    ours = (
        Condition("assigned_department", "in", departments),
        Condition("assigned_account", "is_null", True),
    )
    groups = (mine, ours) if departments else (mine,)
    is_open = Condition("is_final", "eq", False)
    return operation.rows.connection("Event", given, (is_open, AnyCondition(groups)))


def _area(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    """Events where my posts let me read them, whoever handles them."""
    record = operation.registry.records["Event"]
    prefixes = operation.ctx.permissions.paths(record.read)
    return operation.rows.connection("Event", given, (PathCondition("place_path", prefixes),))
