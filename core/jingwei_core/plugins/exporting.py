"""Exporting a plugin's rows (插件数据导出): one folder a tenant, one NDJSON file a table.

What is exported is found in the plugin's schema, so that a plugin whose code cannot be loaded any
more still gives its data back. Secrets of its settings are not part of it.
"""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jingwei_core.database.identifiers import qualified
from jingwei_core.database.unit import Unit
from jingwei_core.plugins.plugin_rows import plugin_rows_unlocked
from jingwei_sdk.errors import Conflict

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_TABLES = """
SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Exported:
    """One tenant's export: where it is, and how many rows of each table it holds."""

    folder: Path
    tables: Mapping[str, int] = field(default_factory=dict)


async def tables_in(unit: Unit, schema: str) -> list[str]:
    """The tables of a schema, by name."""
    return [row["name"] for row in await unit.fetch(_TABLES, schema)]


async def export_plugin(platform: "Platform", slug: str, plugin_id: str, folder: Path) -> Exported:
    """Write a tenant's rows of a plugin into ``folder/<tenant>``, as they are at one moment.

    ``plugin.json`` there says version, settings without secrets, and rows and SHA-256 of each
    file. Raises ``NotFound`` (``TENANT_NOT_FOUND``), ``Conflict`` (``EXPORT_FOLDER_USED``) when
    that folder holds something already.
    """
    tenant = (await platform.state(slug)).tenant
    target = folder / slug
    if await asyncio.to_thread(_is_used, target):
        raise Conflict("EXPORT_FOLDER_USED", folder=str(target))
    await asyncio.to_thread(target.mkdir, parents=True, exist_ok=True)
    # Rows hold what readers see masked only.
    await asyncio.to_thread(target.chmod, 0o700)
    schema = plugin_id.replace("-", "_")
    async with platform.database.unit(tenant.id, _ONE_MOMENT) as unit:
        files = {
            table: await _write(unit, (schema, table), target / f"{table}.ndjson")
            for table in await tables_in(unit, schema)
        }
        about = await _about(unit, tenant.id, plugin_id)
    told = {"plugin": plugin_id, "tenant": slug, **about, "tables": files}
    text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True)
    await asyncio.to_thread((target / "plugin.json").write_text, text, encoding="utf-8")
    return Exported(target, {table: each["rows"] for table, each in files.items()})


async def _write(unit: Unit, table: tuple[str, str], path: Path) -> dict[str, Any]:
    """Write the rows in the order of their keys; how many, and the file's digest."""
    digest, rows, last = hashlib.sha256(), 0, uuid.UUID(int=0)
    with path.open("wb") as file:
        while True:
            found = await unit.fetch(
                f"SELECT t.id, to_jsonb(t) - 'tenant_id' AS row FROM {qualified(*table)} t"
                f" WHERE t.id > $1 ORDER BY t.id LIMIT {_ROWS_AT_ONCE}",
                last,
            )
            for row in found:
                line = f"{row['row']}\n".encode()
                digest.update(line)
                file.write(line)
            if not found:
                return {"rows": rows, "sha256": digest.hexdigest()}
            rows, last = rows + len(found), found[-1]["id"]


async def _about(unit: Unit, tenant_id: uuid.UUID, plugin_id: str) -> dict[str, Any]:
    row = (await plugin_rows_unlocked(unit, tenant_id)).get(plugin_id)
    if row is None:
        return {"version": None, "data_version": None, "settings": {}, "secrets": []}
    return {"version": row.version, "data_version": row.data_version, **row.settings.told()}


def _is_used(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())
