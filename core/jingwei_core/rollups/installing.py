"""Putting the counts onto the tables (落实汇总): a step of the finaliser.

A source's functions and triggers carry its digest in their names, so what is there and what is
declared can be compared by name. A new source is counted at once, in the same transaction: making a
trigger keeps writers away until then.
"""

from collections.abc import Iterable

from jingwei_core.database.identifiers import literal, qualified, quoted
from jingwei_core.database.unit import Unit
from jingwei_core.rollups.cubes import Source
from jingwei_core.rollups.statements import (
    PREFIX,
    TRIGGER_PREFIX,
    function_names,
    making,
    trigger_names,
)

_FUNCTIONS = (
    "SELECT p.proname::text AS name FROM pg_proc p WHERE p.pronamespace = to_regnamespace('core')"
    f" AND p.proname ~ '^{PREFIX}([0-9a-f]{{8}}_(added|removed|changed|fold|rebuild)|rezone)$'"
    " ORDER BY 1"
)
_TRIGGERS = (
    "SELECT g.tgname::text AS name, n.nspname::text AS schema, c.relname::text AS table"
    " FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    f" WHERE NOT g.tgisinternal AND g.tgname ^@ '{TRIGGER_PREFIX}' ORDER BY 1"
)
_REZONE = f"{PREFIX}rezone"


async def rollup_statements(unit: Unit, sources: tuple[Source, ...], app_role: str) -> list[str]:
    """What is missing for ``sources`` and what is left over; an empty list where all is right."""
    functions = {row["name"] for row in await unit.fetch(_FUNCTIONS)}
    triggers = {row["name"]: (row["schema"], row["table"]) for row in await unit.fetch(_TRIGGERS)}
    there = [s for s in sources if _is_there(s, functions, set(triggers))]
    new = [s for s in sources if s not in there]
    return [
        *_clearing(there, functions, triggers),
        *(sql for source in new for sql in making(source, app_role)),
        *_rezoning(sources, functions, is_changed=bool(new)),
        *(_counting(source) for source in new),
    ]


def _is_there(source: Source, functions: set[str], triggers: set[str]) -> bool:
    return {*function_names(source)} <= functions and {*trigger_names(source)} <= triggers


def _clearing(
    kept: list[Source], functions: set[str], triggers: dict[str, tuple[str, str]]
) -> list[str]:
    """Take away triggers, functions and counts of sources that are not ``kept`` as they are."""
    wanted_triggers = {name for source in kept for name in trigger_names(source)}
    wanted = {name for source in kept for name in function_names(source)}
    found = [
        f"DROP TRIGGER {quoted(name)} ON {qualified(*table)}"
        for name, table in triggers.items()
        if name not in wanted_triggers and not name.endswith("rezone")
    ]
    gone = sorted(functions - wanted - {_REZONE})
    found += [f"DROP FUNCTION core.{quoted(name)}()" for name in gone]
    for digest in sorted({name.removeprefix(PREFIX).split("_")[0] for name in gone}):
        found.append(f"DELETE FROM core.rollup WHERE cube ^@ {literal(digest)}")
        found.append(f"DELETE FROM core.rollup_delta WHERE source = {literal(digest)}")
    return found


def _rezoning(sources: tuple[Source, ...], functions: set[str], *, is_changed: bool) -> list[str]:
    """A tenant that moves to another time zone has other days: its counts by day are made anew."""
    if not is_changed and _REZONE in functions:
        return []
    by_day = [s for s in sources if any(counted.is_instant for counted in s.counted)]
    work = " ".join(f"PERFORM core.{PREFIX}{source.id}_rebuild();" for source in by_day)
    name = f"core.{_REZONE}"
    trigger = f"{TRIGGER_PREFIX}rezone"
    made = (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = pg_catalog, pg_temp AS $body$"
        " DECLARE bound text := coalesce(current_setting('app.tenant', true), '');"
        " BEGIN PERFORM set_config('app.tenant', NEW.id::text, true);"
        f" {work} PERFORM set_config('app.tenant', bound, true); RETURN NULL; END $body$"
    )
    return [
        made,
        f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC",
        f"CREATE OR REPLACE TRIGGER {trigger} AFTER UPDATE OF timezone ON platform.tenant"
        " FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone)"
        f" EXECUTE FUNCTION {name}()",
    ]


def _counting(source: Source) -> str:
    """Count what is there already, tenant by tenant."""
    return (
        "DO $body$ DECLARE each uuid; bound text := coalesce(current_setting('app.tenant', true),"
        " ''); BEGIN FOR each IN SELECT id FROM platform.tenant LOOP"
        " PERFORM set_config('app.tenant', each::text, true);"
        f" PERFORM core.{PREFIX}{source.id}_rebuild(); END LOOP;"
        " PERFORM set_config('app.tenant', bound, true); END $body$"
    )


def trusted_functions(sources: Iterable[Source]) -> tuple[str, ...]:
    """The functions of the counts, which run with their owner's rights, with their schema."""
    names = (name for source in sources for name in function_names(source))
    return (*(f"core.{name}" for name in names), f"core.{_REZONE}")
