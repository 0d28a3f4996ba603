"""What a plugin's migrations may not do (迁移约束), and where its faults are kept."""

import re
from collections.abc import Iterable, Mapping

from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.migration_files import MigrationApp, MigrationFile
from jingwei_core.database.migration_plan import MigrationFault
from jingwei_core.database.unit import Unit

STAGE = "migration"

# A statement of its own; inside a function's body such a word is never followed so.
_ENDING = re.compile(
    r"(?:^|;)\s*(commit|rollback|abort|begin|start\s+transaction|end)(\s+(work|transaction))?\s*;",
    re.IGNORECASE | re.MULTILINE,
)
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)

# A foreign key across the schema's border, either way, and a trigger on a table of somebody else.
_TIES = """
SELECT k.conname::text AS name, CASE WHEN own.nspname = $1 THEN k.confrelid ELSE k.conrelid END
    ::regclass::text AS table
FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace own ON own.oid = c.relnamespace
    JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace other ON other.oid = t.relnamespace
WHERE k.contype = 'f' AND $1 IN (own.nspname, other.nspname) AND own.nspname <> other.nspname
UNION ALL
SELECT g.tgname::text, g.tgrelid::regclass::text
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    JOIN pg_namespace own ON own.oid = c.relnamespace
    JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_namespace code ON code.oid = p.pronamespace
WHERE NOT g.tgisinternal AND code.nspname = $1 AND own.nspname <> $1
ORDER BY 1
"""


def refuse_ending(file: MigrationFile) -> None:
    """Raise ``MigrationRefused`` (``MIGRATION_ENDS_TRANSACTION``) for plain SQL that commits or
    rolls back by itself."""
    if file.path.suffix != ".sql":
        return
    found = _ENDING.search(_BODY.sub("", file.path.read_text(encoding="utf-8")))
    if found:
        raise MigrationRefused(
            "MIGRATION_ENDS_TRANSACTION",
            app=file.app,
            file=file.path.name,
            statement=" ".join(found.group().strip("; \n").split()),
        )


async def transaction_of(unit: Unit) -> str:
    """The number of the open transaction."""
    number: str = await unit.fetchval("SELECT pg_current_xact_id()::text")
    return number


async def refuse_ended(unit: Unit, transaction: str, app: MigrationApp) -> None:
    """Raise ``MigrationRefused`` (``MIGRATION_ENDED_TRANSACTION``) unless the run's transaction is
    still the open one: whatever came next would not be undone with the rest."""
    if await unit.fetchval("SELECT pg_current_xact_id_if_assigned()::text") != transaction:
        raise MigrationRefused("MIGRATION_ENDED_TRANSACTION", app=app.name)


async def refuse_ties(unit: Unit, app: MigrationApp) -> None:
    """Raise ``MigrationRefused`` (``MIGRATION_KEY_OUT``) for what ties a table outside the plugin's
    schema to the plugin: switched off, it would still stand in the way there."""
    for row in await unit.fetch(_TIES, app.name):
        raise MigrationRefused(
            "MIGRATION_KEY_OUT", app=app.name, name=row["name"], table=row["table"]
        )


async def keep_faults(unit: Unit, faults: Iterable[MigrationFault]) -> None:
    """Replace what is known of faulty migrations; a fault that stays keeps its time."""
    reasons = {fault.plugin: fault.reason for fault in faults}
    await unit.execute(
        "DELETE FROM platform.plugin_fault WHERE stage = $1 AND NOT plugin_id = ANY($2)",
        STAGE,
        list(reasons),
    )
    await unit.executemany(
        "INSERT INTO platform.plugin_fault AS f (plugin_id, stage, reason) VALUES ($1, $2, $3)"
        " ON CONFLICT (plugin_id, stage) DO UPDATE SET reason = excluded.reason, at = now()"
        " WHERE f.reason <> excluded.reason",
        [(plugin, STAGE, reason) for plugin, reason in reasons.items()],
    )


async def kept_faults(unit: Unit) -> Mapping[str, str]:
    """Why the migrations of some plugins did not run, by plugin id; the application may ask."""
    rows = await unit.fetch(
        "SELECT plugin_id, reason FROM platform.plugin_fault WHERE stage = $1", STAGE
    )
    return {row["plugin_id"]: row["reason"] for row in rows}
