-- Counts kept as commands commit. Functions that the finaliser makes from the declarations write both
-- tables; the application reads them.

-- n rows of a cube lie at or below a place (path), and have these values (d) in its columns.
CREATE TABLE core.rollup (
    tenant_id uuid NOT NULL,
    cube text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    d text[] COLLATE "C" NOT NULL,
    n integer NOT NULL,
    PRIMARY KEY (tenant_id, cube, path, d)
) WITH (fillfactor = 90);

-- What came (+1) and went (-1) since the counts were folded. Writers only append, so none waits for
-- another; all is taken away again by the next fold, hence the early vacuum.
CREATE TABLE core.rollup_delta (
    tenant_id uuid NOT NULL,
    source text COLLATE "C" NOT NULL,
    path text COLLATE "C" NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    d text[] COLLATE "C" NOT NULL,
    n integer NOT NULL,
    PRIMARY KEY (tenant_id, source, path, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- A place and all that it lies in: '/a/b/' is counted at '/', '/a/' and '/a/b/'.
CREATE FUNCTION core.enclosing_paths(p_path text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
    SELECT left(p_path, at) FROM generate_series(1, length(p_path)) AS at
    WHERE substr(p_path, at, 1) = '/'
$$;
