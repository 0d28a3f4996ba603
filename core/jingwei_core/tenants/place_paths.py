"""Numbers and paths for the places that a package adds."""

import uuid

from jingwei_core.database.unit import Unit
from jingwei_core.places.labels import child_path
from jingwei_core.tenants.difference import TableDifference
from jingwei_sdk.errors import Invalid


async def add_paths(unit: Unit, places: TableDifference) -> None:
    """Give each added place its number, path and depth; parents come before their children.

    Raises ``Invalid`` (``PACKAGE_PLACE_MOVED``) when a stored place has another parent now: moving
    a place is a dated operation with a dry run of its own, not a side effect of a package.
    """
    for key, (_, changes) in places.changed.items():
        if "parent" in changes:
            raise Invalid("PACKAGE_PLACE_MOVED", file="places", field="parent", place=key[0])
    stored = await unit.fetch("SELECT id, path, depth FROM core.place")
    paths: dict[uuid.UUID | None, tuple[str | None, int]] = {
        row["id"]: (row["path"], row["depth"]) for row in stored
    }
    paths[None] = (None, -1)
    ordinal = await unit.fetchval("SELECT coalesce(max(ordinal), 0) FROM core.place")
    for values in places.added.values():
        ordinal += 1
        parent_path, parent_depth = paths[values["parent"]]
        path = child_path(parent_path, ordinal)
        values |= {"ordinal": ordinal, "path": path, "depth": parent_depth + 1}
        paths[values["id"]] = (path, parent_depth + 1)
