-- Raises unless the tenant that a transaction (or a savepoint of it) began with is still the bound one.
-- To be said at the end of what ran a stranger's SQL: nothing of it is kept then.
CREATE FUNCTION core.tenant_must_be(p_tenant uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('app.tenant', true) IS DISTINCT FROM p_tenant::text THEN
        RAISE EXCEPTION USING ERRCODE = 'JW002', MESSAGE = 'another tenant is bound';
    END IF;
END $$;

REVOKE ALL ON FUNCTION core.tenant_must_be(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.tenant_must_be(uuid) TO {app};
