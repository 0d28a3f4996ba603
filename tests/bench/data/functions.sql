-- What the other files of this folder use; everything is made from numbers, so two runs get the same.
CREATE SCHEMA bench;

-- An id that sorts by kind, tenant and number, as ids sort by time elsewhere.
CREATE FUNCTION bench.id(kind int, tenant int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN ('01930000-' || lpad(to_hex(kind), 4, '0') || '-7' || lpad(to_hex(tenant), 3, '0')
    || '-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- An id of version 7, of its own instant.
CREATE FUNCTION bench.id_at(at timestamptz, tenant int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN (overlay(lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') PLACING '-' FROM 9 FOR 0)
    || '-7' || lpad(to_hex(tenant), 3, '0') || '-8000-' || lpad(to_hex(number), 12, '0'))::uuid;

-- The copy of a row of the source tenant in another tenant.
CREATE FUNCTION bench.copy(tenant int, source uuid) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN md5(tenant || ' ' || source)::uuid;

-- A number of 0 to below - 1 that looks accidental and is the same in each run.
CREATE FUNCTION bench.some(number bigint, salt int, below int) RETURNS int IMMUTABLE LANGUAGE sql
RETURN ((hashint8extended(number, salt) & 2147483647) % below)::int;

CREATE FUNCTION bench.label(number int) RETURNS text IMMUTABLE LANGUAGE sql
RETURN CASE WHEN number >= 1296 THEN substr('0123456789abcdefghijklmnopqrstuvwxyz', number / 1296 + 1, 1) ELSE '' END
    || CASE WHEN number >= 36 THEN substr('0123456789abcdefghijklmnopqrstuvwxyz', number / 36 % 36 + 1, 1) ELSE '' END
    || substr('0123456789abcdefghijklmnopqrstuvwxyz', number % 36 + 1, 1);

-- The tree of every tenant: a city, 5 districts, 25 streets, 100 communities, 1,000 grids.
CREATE TABLE bench.node AS
WITH RECURSIVE parts (number, parent, level, name) AS (
    VALUES (1, NULL::int, 'city', '测试市')
    UNION ALL SELECT 2 + i, 1, 'district', '第' || i + 1 || '区' FROM generate_series(0, 4) i
    UNION ALL SELECT 7 + i, 2 + i / 5, 'street', '第' || i + 1 || '街道' FROM generate_series(0, 24) i
    UNION ALL SELECT 32 + i, 7 + i / 4, 'community', '第' || i + 1 || '社区' FROM generate_series(0, 99) i
    UNION ALL SELECT 132 + i, 32 + i / 10, 'grid', '第' || i + 1 || '网格' FROM generate_series(0, 999) i
), tree AS (
    SELECT *, '/' || bench.label(number) || '/' AS path, 0 AS depth FROM parts WHERE parent IS NULL
    UNION ALL
    SELECT parts.*, tree.path || bench.label(parts.number) || '/', tree.depth + 1
    FROM tree JOIN parts ON parts.parent = tree.number
)
SELECT * FROM tree;
ALTER TABLE bench.node ADD PRIMARY KEY (number);

-- Whose grid, community, street and city a grid lies in: who reports the events of the sample.
CREATE TABLE bench.above AS
SELECT grid.number AS grid, node.number, row_number() OVER (PARTITION BY grid.number ORDER BY node.depth DESC) - 1 AS rank
FROM bench.node grid JOIN bench.node node ON starts_with(grid.path, node.path)
WHERE grid.level = 'grid' AND node.level <> 'district';

-- The twelve kinds that events are of.
CREATE TABLE bench.kind AS
SELECT row_number() OVER (ORDER BY k.code) - 1 AS number, k.id AS kind, w.id AS workflow, k.name,
    k.department
FROM core.event_kind k JOIN core.workflow w ON w.tenant_id = k.tenant_id AND w.code = k.workflow AND w.is_current
WHERE k.workflow = 'standard_without_photo' AND k.owner_plugin = '' AND k.form_schema IS NULL
ORDER BY k.code LIMIT 12;
SELECT count(*) = 12 AS has_kinds FROM bench.kind \gset
\if :has_kinds
\else
    \warn 'fewer than twelve kinds'
    SELECT 1 / 0;
\endif

-- The whole events: what the detail workload asks for.
CREATE TABLE bench.whole (n int, event uuid, grid int, rank int);

-- What a server that reads tables as they are is given for counts: one statement, under the caller's row security.
GRANT USAGE ON SCHEMA bench TO jingwei_app;
CREATE TYPE bench.event_count AS (state text, kind uuid, number bigint);
CREATE FUNCTION bench.event_counts(low text, high text) RETURNS SETOF bench.event_count STABLE LANGUAGE sql
BEGIN ATOMIC
    SELECT state, kind, count(*) FROM core.event WHERE place_path >= low AND place_path < high GROUP BY state, kind;
END;
