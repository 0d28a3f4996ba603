"""The functions of the database that keep counts, made from a source (汇总函数).

They run with their owner's rights, so that the application can count but not change a count; each
keeps to the tenant of the rows or to the bound one. Column names come from declarations and are
quoted.
"""

from jingwei_core.database.identifiers import literal, qualified, quoted
from jingwei_core.rollups.cubes import Source

PREFIX = "rollup_"
TRIGGER_PREFIX = "jingwei_rollup_"
ROOT = "/"

BATCH = 50_000
"""So many deltas are folded by one statement, to stay within its time."""

_SETTINGS = "SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD'"
_EVENTS = {"added": "INSERT", "removed": "DELETE", "changed": "UPDATE"}
_TENANT = "current_setting('app.tenant')::uuid"
_INTO = "INSERT INTO core.rollup_delta (tenant_id, source, path, d, n) "
_ZONE_NAME = "zone_of_tenant"
ZONE = f"coalesce((SELECT timezone FROM platform.tenant WHERE id = {_TENANT}), 'UTC')"


def function_names(source: Source) -> tuple[str, ...]:
    """The functions of a source, without their schema ``core``."""
    return tuple(f"{PREFIX}{source.id}_{what}" for what in (*_EVENTS, "fold", "rebuild"))


def trigger_names(source: Source) -> tuple[str, ...]:
    """The triggers of a source on its table."""
    return tuple(f"{TRIGGER_PREFIX}{source.id}_{what}" for what in _EVENTS)


def making(source: Source, app_role: str) -> list[str]:
    """The statements that make a source's functions and triggers."""
    found = [_added(source), _removed(source), _changed(source), _fold(source), _rebuild(source)]
    found += [f"REVOKE ALL ON FUNCTION core.{n}() FROM PUBLIC" for n in function_names(source)]
    for what in ("fold", "rebuild"):
        name = f"core.{PREFIX}{source.id}_{what}()"
        found.append(f"GRANT EXECUTE ON FUNCTION {name} TO {quoted(app_role)}")
    # Rows come and go in bulk; but most updates change nothing that is counted, and a condition on
    # the row finds that out without calling anything.
    each = {
        "added": "REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        "removed": "REFERENCING OLD TABLE AS removed FOR EACH STATEMENT",
        "changed": f"FOR EACH ROW WHEN ({_row(source, 'OLD')} IS DISTINCT FROM"
        f" {_row(source, 'NEW')})",
    }
    found += [
        f"CREATE TRIGGER {TRIGGER_PREFIX}{source.id}_{what} AFTER {event}"
        f" ON {qualified(*source.table)} {each[what]}"
        f" EXECUTE FUNCTION core.{PREFIX}{source.id}_{what}()"
        for what, event in _EVENTS.items()
    ]
    return found


def delta_values(source: Source, values: str, zone: str) -> dict[str, str]:
    """The SQL of each column's value out of ``values``, the array of a delta."""
    return {
        counted.name: counted.told(f"{values}[{at}]", zone)
        for at, counted in enumerate(source.counted, 1)
    }


def in_cubes(source: Source, rows: str, zone: str | None) -> str:
    """A query of cube, path, d and n out of ``rows`` (path, d, n), at their own places only.

    ``zone`` turns the instants of deltas into days; without it there are days already.
    """
    told = delta_values(source, "x.d", zone or "")
    queries = []
    for cube in source.cubes:
        texts = [
            f"({told[name]})::text"
            if zone and source.column(name).is_instant
            else f"x.d[{source.position(name)}]"
            for name in cube.columns
        ]
        queries.append(
            f"SELECT {literal(cube.id)}::text AS cube, x.path, ARRAY[{', '.join(texts)}] AS d, x.n"
            f" FROM {rows} x"
        )
    return (
        "SELECT s.cube, s.path, s.d, sum(s.n)::integer AS n"
        f" FROM ({' UNION ALL '.join(queries)}) s GROUP BY 1, 2, 3 HAVING sum(s.n) <> 0"
    )


def counted_rows(source: Source, zone: str) -> str:
    """A query of path, d and n over the table itself, with days in place of instants."""
    texts = [
        f"({quoted(counted.name)} AT TIME ZONE {zone})::date::text"
        if counted.is_instant
        else counted.written()
        for counted in source.counted
    ]
    where = "" if source.path is None else f" AND {quoted(source.path)} IS NOT NULL"
    return (
        f"SELECT {_path(source)} AS path, ARRAY[{', '.join(texts)}] AS d, count(*)::integer AS n"
        f" FROM {qualified(*source.table)} WHERE tenant_id = {_TENANT}{where} GROUP BY 1, 2"
    )


def level(path: str) -> str:
    """The SQL of the level of a place: 0 for ``/``, 1 for the root of the tree."""
    return f"(length({path}) - length(replace({path}, '/', '')) - 1)"


def enclosing(source: Source, leaves: str) -> str:
    """A query that counts ``leaves`` (cube, path, d, n) at every place that encloses them."""
    deepest = [f"WHEN {literal(cube.id)} THEN {cube.depth}" for cube in source.cubes if cube.depth]
    limit = f" AND w.level <= CASE l.cube {' '.join(deepest)} ELSE 99 END" if deepest else ""
    return (
        f"SELECT l.cube, w.place AS path, l.d, sum(l.n)::integer AS n FROM {leaves} l"
        f" JOIN (SELECT e.path, e.place, {level('e.place')} AS level FROM ("
        "SELECT p.path, core.enclosing_paths(p.path) AS place"
        f" FROM (SELECT DISTINCT path FROM {leaves}) p) e) w ON w.path = l.path{limit}"
        " GROUP BY 1, 2, 3 HAVING sum(l.n) <> 0"
    )


def _array(source: Source, row: str = "") -> str:
    return f"ARRAY[{', '.join(counted.written(row) for counted in source.counted)}]"


def _path(source: Source, row: str = "") -> str:
    return literal(ROOT) if source.path is None else row + quoted(source.path)


def _row(source: Source, row: str) -> str:
    """All that a delta of a row is made of."""
    path = () if source.path is None else (source.path,)
    names = ("tenant_id", *path, *(counted.name for counted in source.counted))
    return f"({', '.join(f'{row}.{quoted(name)}' for name in names)})"


def _moved(source: Source, table: str, n: int) -> str:
    where = "" if source.path is None else f" WHERE {quoted(source.path)} IS NOT NULL"
    return (
        f"SELECT tenant_id, {literal(source.id)}, {_path(source)}, {_array(source)}, {n}"
        f" FROM {table}{where}"
    )


def _added(source: Source) -> str:
    return _trigger(source, "added", _INTO + _moved(source, "added", 1))


def _removed(source: Source) -> str:
    return _trigger(source, "removed", _INTO + _moved(source, "removed", -1))


def _changed(source: Source) -> str:
    both = ", ".join(
        f"({row}.tenant_id, {literal(source.id)}, {_path(source, f'{row}.')},"
        f" {_array(source, f'{row}.')}, {n})"
        for row, n in (("OLD", -1), ("NEW", 1))
    )
    body = (
        f"{_INTO}SELECT m.* FROM (VALUES {both}) AS m(tenant_id, source, path, d, n)"
        " WHERE m.path IS NOT NULL"
    )
    return _trigger(source, "changed", body)


def _trigger(source: Source, what: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION core.{PREFIX}{source.id}_{what}() RETURNS trigger"
        f" LANGUAGE plpgsql {_SETTINGS} AS $body$ BEGIN {body}; RETURN NULL; END $body$"
    )


def _fold(source: Source) -> str:
    """Whoever folds takes deltas away and adds them up at all places in one statement, so a reader
    sees them either unfolded or folded."""
    mine = f"tenant_id = {_TENANT} AND source = {literal(source.id)}"
    cut = (
        "cut := coalesce((SELECT path FROM core.rollup_delta"
        f" WHERE {mine} ORDER BY path OFFSET {BATCH} LIMIT 1), chr(1114111));"
        f" done := (SELECT count(*) FROM core.rollup_delta WHERE {mine} AND path <= cut);"
        " IF done = 0 THEN RETURN 0; END IF;"
    )
    merge = (
        f"WITH gone AS (DELETE FROM core.rollup_delta WHERE {mine} AND path <= cut"
        " RETURNING path, d, n),"
        f" leaves AS ({in_cubes(source, 'gone', _ZONE_NAME)})"
        f" MERGE INTO core.rollup r USING ({enclosing(source, 'leaves')}) u"
        f" ON r.tenant_id = {_TENANT} AND r.cube = u.cube AND r.path = u.path AND r.d = u.d"
        " WHEN MATCHED AND r.n + u.n = 0 THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET n = r.n + u.n"
        " WHEN NOT MATCHED THEN INSERT (tenant_id, cube, path, d, n)"
        f" VALUES ({_TENANT}, u.cube, u.path, u.d, u.n)"
    )
    return _worker(source, "fold", f"{cut} {merge};")


def _rebuild(source: Source) -> str:
    """One statement is one snapshot: the rows that it counts are those whose deltas it removes, so
    whatever others write meanwhile stays as a delta."""
    cubes = ", ".join(literal(cube.id) for cube in source.cubes)
    made = (
        f"WITH old AS MATERIALIZED (DELETE FROM core.rollup WHERE tenant_id = {_TENANT}"
        f" AND cube IN ({cubes}) RETURNING 1),"
        f" late AS (DELETE FROM core.rollup_delta WHERE tenant_id = {_TENANT}"
        f" AND source = {literal(source.id)}),"
        f" counted AS ({counted_rows(source, _ZONE_NAME)}),"
        f" leaves AS ({in_cubes(source, 'counted', None)})"
        " INSERT INTO core.rollup (tenant_id, cube, path, d, n)"
        f" SELECT {_TENANT}, u.cube, u.path, u.d, u.n FROM ({enclosing(source, 'leaves')}) u"
        # Asking first makes the old counts go before the first new one comes.
        " WHERE (SELECT count(*) FROM old) >= 0 ORDER BY u.cube, u.path, u.d"
    )
    return _worker(source, "rebuild", f"{made}; GET DIAGNOSTICS done = ROW_COUNT;")


def _worker(source: Source, what: str, body: str) -> str:
    # Folding and rebuilding of one tenant's counts happen one after the other; nobody else waits.
    lock = f"hashtextextended('jingwei.rollup.{source.id}.' || {_TENANT}::text, 0)"
    return (
        f"CREATE OR REPLACE FUNCTION core.{PREFIX}{source.id}_{what}() RETURNS bigint"
        f" LANGUAGE plpgsql {_SETTINGS} AS $body$"
        f" DECLARE done bigint := 0; cut text; {_ZONE_NAME} text;"
        f" BEGIN PERFORM pg_advisory_xact_lock({lock}); {_ZONE_NAME} := {ZONE};"
        f" {body} RETURN done; END $body$"
    )
