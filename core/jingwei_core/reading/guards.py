"""Guards (列守卫): where a permission has to be held for what is guarded by it.

The rule is one for columns, figures and computed fields: where the row lies, which is its own place
or that of the row it is seen through. A row of a placed table lies at its place also if it is seen
in another way. Only for a record that lies nowhere it is enough to hold the
permission anywhere.
"""

from jingwei_core.access.permissions import EVERYWHERE
from jingwei_core.registry import Registry
from jingwei_sdk.context import Permissions
from jingwei_sdk.records import AtPlace, Record, Through
from jingwei_sdk.tables import PlacedTable


def held_throughout(
    registry: Registry, permissions: Permissions, permission: str, record: Record
) -> bool:
    """Whether a permission is held wherever a row in sight could lie."""
    areas = _areas(registry, permissions, record)
    if areas is None:
        return permissions.allows(permission)
    return all(permissions.allows(permission, path) for path in areas)


def lies_at(record: Record) -> AtPlace | None:
    """The scope that says where a row itself lies."""
    return next((scope for scope in record.scope if isinstance(scope, AtPlace)), None)


def own_place(record: Record) -> AtPlace | None:
    """What says where a row itself lies: its scope, or its table, however the row is seen."""
    is_placed = issubclass(record.table, PlacedTable)
    return lies_at(record) or (AtPlace() if is_placed else None)


def _areas(registry: Registry, permissions: Permissions, record: Record) -> tuple[str, ...] | None:
    """The subtrees in which all rows in sight lie; ``None`` for a record that lies nowhere."""
    if lies_at(record) is not None:
        only = all(isinstance(scope, AtPlace) for scope in record.scope)
        # What is seen by another scope, as one's own say, may lie anywhere.
        return permissions.paths(record.read) if only else (EVERYWHERE,)
    through = [
        areas
        for scope in record.scope
        if isinstance(scope, Through)
        and (areas := _areas(registry, permissions, registry.record(scope.record))) is not None
    ]
    if not through:
        # Its rows lie somewhere, and are in sight wherever that is.
        return None if own_place(record) is None else (EVERYWHERE,)
    return through[0] if len(record.scope) == 1 else (EVERYWHERE,)
