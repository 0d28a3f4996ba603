"""Subscriptions (订阅): the streams of changes that packages declare, as they are committed."""

from collections.abc import Iterator
from datetime import datetime

import strawberry

from jingwei_api.schema.meanings import ChangePart, ChangesField
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_sdk.records import AtPlace, Record
from jingwei_sdk.subscriptions import Subscription

CHANGE = "Change"
_UNDER = Argument("under", strawberry.ID | None, "Only in this place's subtree.")
_RECORDS = Argument(
    "records", list[str] | None, "Only these types; all that I may read if left out."
)


def subscription_fields(space: TypeSpace, registry: Declarations) -> list[Field]:
    """The fields of ``Subscription``, of all packages; each says whose it is.

    Raises ``Refused`` (``SCHEMA_CLASH``).
    """
    return list(_fields(space, registry))


def _fields(space: TypeSpace, registry: Declarations) -> Iterator[Field]:
    has_change = False
    for plugin in registry.plugins:
        for declared in plugin.subscriptions:
            record = declared.record
            if record is not None:
                yield _field(declared, _of_record(space, record, plugin.id), plugin.id)
                continue
            if not has_change:
                _of_any(space)
                has_change = True
            yield _field(declared, CHANGE, plugin.id)


def _field(declared: Subscription, kind: str, owner: str) -> Field:
    record = declared.record
    is_placed = record is None or any(isinstance(one, AtPlace) for one in record.scope)
    return Field(
        declared.name,
        kind,
        declared.description or None,
        (*((_UNDER,) if is_placed else ()), *((_RECORDS,) if record is None else ())),
        owner,
        is_subscription=True,
        meaning=ChangesField(declared),
    )


def _of_record(space: TypeSpace, record: Record, owner: str) -> str:
    """The type of a change of one record's rows."""
    name = f"{record.name}{CHANGE}"
    node = f"{record.name} | None"
    space.object(name, _parts(node), owner=owner, description=f"{record.name} changed (变更通知).")
    return name


def _of_any(space: TypeSpace) -> None:
    """The type of a change of whatever record."""
    told = Field("record", str, "Type name of what changed.", meaning=ChangePart("record"))
    text = "Something in my area changed (变更通知)."
    space.object(CHANGE, [told, *_parts("Node | None")], owner="core", description=text)


def _parts(node: str) -> list[Field]:
    gone = "As it is now; null when it is gone."
    return [
        Field("id", strawberry.ID, "Its global id.", meaning=ChangePart("id")),
        Field("node", node, gone, meaning=ChangePart("node")),
        Field("at", datetime, "When this server learnt of it.", meaning=ChangePart("at")),
    ]
