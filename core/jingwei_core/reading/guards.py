"""Guards (列守卫): where a permission has to be held for what is guarded by it.

The rule is one for columns, figures and computed fields: where the row lies, which is its own place
or that of the row it is seen through. Only for a record that lies nowhere it is enough to hold the
permission anywhere.
"""

from jingwei_core.access.permissions import EVERYWHERE
from jingwei_core.registry import Registry
from jingwei_sdk.context import Permissions
from jingwei_sdk.records import AtPlace, Record, Through


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
        return None
    return through[0] if len(record.scope) == 1 else (EVERYWHERE,)
