-- The tenants of which at least so many deltas wait to be folded: one look into the index for each
-- tenant that wrote anything. It tells ids only, which the application may read anyhow.
CREATE FUNCTION core.rollup_waiting(p_least integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('app.maintenance', true), '');
BEGIN
    PERFORM set_config('app.maintenance', 'on', true);
    RETURN QUERY WITH RECURSIVE written AS (
        (SELECT d.tenant_id FROM core.rollup_delta d ORDER BY d.tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT d.tenant_id FROM core.rollup_delta d
                WHERE d.tenant_id > w.tenant_id ORDER BY d.tenant_id LIMIT 1)
        FROM written w WHERE w.tenant_id IS NOT NULL
    )
    SELECT w.tenant_id FROM written w WHERE w.tenant_id IS NOT NULL AND p_least <= (
        SELECT count(*) FROM (SELECT FROM core.rollup_delta d
                              WHERE d.tenant_id = w.tenant_id LIMIT p_least) few);
    PERFORM set_config('app.maintenance', before, true);
END $$;
REVOKE ALL ON FUNCTION core.rollup_waiting(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.rollup_waiting(integer) TO {app};
